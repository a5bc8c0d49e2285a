import type { Clock } from '../../src/clock.ts';
import { pathOf, type SubscriptionTerms } from '../../src/define/subscription.ts';
import { TestHub } from '../../src/testing/hub/hub.ts';
import { TestProvider } from '../../src/testing/hub/provider.ts';
import type { HubManner } from './points.ts';
import type { Heard } from './relay.ts';

/** Deliveries and questions outlive the death of whoever is asked. */
const PATIENCE = { attempts: 14, retryMs: 1000, answerMs: 10_000 };
const SECRET = `whsec_${Buffer.from('a secret of these tests!').toString('base64')}`;

/** Who posts to callback URLs, as all processes but its own know it. */
export interface Peer {
  readonly origin: string;
  publish(): void;
  readonly published: number;
  /** Paths of the callbacks that it posts to. */
  active(): readonly string[];
  /** What is asked of it, if that is a change. */
  changeIn(heard: Heard): { readonly mode: string; readonly side: string } | undefined;
  /** At a gate that passes on what is sent to it. */
  termsAt(gate: string, front: string): SubscriptionTerms;
  /** As it was before there was a campaign. */
  subscribeOld(url: string): Promise<void>;
  close(): Promise<void>;
}

export const peerOf = (manner: HubManner, clock: Clock): Promise<Peer> =>
  manner === 'asks no callback' ? provider(clock) : hub(clock, manner === 'asks the callback before its answer');

const sideOf = (callback: string): string => pathOf(callback).slice(1);

async function hub(clock: Clock, first: boolean): Promise<Peer> {
  // Long enough after its answer for that to be stored.
  const quirks = first ? { verification: 'synchronous' as const } : { verifiesAfterMs: 5000 };
  const made = await TestHub.start({ clock, quirks, patience: PATIENCE });
  const topic = made.addTopic('blog');
  let published = 0;
  return {
    origin: new URL(made.url).origin,
    publish: () => {
      published = made.publish(topic);
    },
    get published() {
      return published;
    },
    active: () => made.log.subscriptions.filter(({ state }) => state === 'active').map((each) => pathOf(each.callback)),
    changeIn: ({ body }) => {
      const form = new URLSearchParams(body);
      const [mode, callback] = [form.get('hub.mode'), form.get('hub.callback')];
      return mode && callback ? { mode, side: sideOf(callback) } : undefined;
    },
    termsAt: (gate, front) => ({ ...termsOf(front), topic, hub: `${gate}/hub` }),
    subscribeOld: async (callback) => {
      const form = { 'hub.mode': 'subscribe', 'hub.topic': topic, 'hub.callback': callback, 'hub.secret': SECRET };
      await fetch(made.url, { method: 'POST', body: new URLSearchParams(form) });
    },
    close: () => made.close(),
  };
}

async function provider(clock: Clock): Promise<Peer> {
  const made = await TestProvider.start({ clock, patience: PATIENCE });
  let published = 0;
  const all = () => made.webhooks('blog');
  return {
    origin: made.url,
    publish: () => {
      published = made.publish('blog');
    },
    get published() {
      return published;
    },
    active: () => all().map(({ url }) => pathOf(url)),
    changeIn: ({ method, url, body }) => {
      if (method === 'POST') return { mode: 'subscribe', side: sideOf(JSON.parse(body).url) };
      const named = method === 'DELETE' ? all().find(({ id }) => url.endsWith(`/${id}`)) : undefined;
      return named && { mode: 'unsubscribe', side: sideOf(named.url) };
    },
    termsAt: (gate, front) => ({ ...termsOf(front), topic: `${gate}/apps/blog`, hub: gate }),
    subscribeOld: async (url) => {
      const body = JSON.stringify({ url, secret: SECRET });
      await fetch(`${made.url}/apps/blog/webhooks`, { method: 'POST', body });
    },
    close: () => made.close(),
  };
}

const termsOf = (front: string) => ({
  old: `${front}/old`,
  new: `${front}/new`,
  oldSecret: SECRET,
  newSecret: SECRET,
});
