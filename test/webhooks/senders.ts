import { onTestFinished } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { type Clock, systemClock } from '../../src/clock.ts';
import { defineMigration } from '../../src/define/migration.ts';
import { subscription } from '../../src/define/subscription.ts';
import { load } from '../../src/engine/documents.ts';
import { subscriptionKey } from '../../src/engine/subscriptionDocument.ts';
import { Worker } from '../../src/engine/worker.ts';
import { key } from '../../src/record/key.ts';
import { MemoryData, memoryStore } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/store.ts';
import { Outbox, type OutboxOptions, sender } from '../../src/webhooks/index.ts';
import { standardWebhooks } from '../../src/webhooks/signatures.ts';
import { content } from '../engine/harness.ts';
import { type Seen, serve } from './server.ts';
import { testClock, until } from './world.ts';

const secretOf = (side: string) => `whsec_${Buffer.from(`the secret of the ${side} endpoint`).toString('base64')}`;
/** From nothing to everything in 40 seconds. */
const SHARE = { start: 10, growth: 2, intervalMs: 10_000 };

/** An event as it came in on an endpoint. */
export interface Posted {
  readonly id: string;
  readonly side: 'old' | 'new';
  readonly subscriber: string;
  readonly status: number;
  readonly body: string;
}

/** What an endpoint answers; `lost`: it takes the event, and its answer never arrives. `never`: nothing. */
export type Answer = number | 'lost' | 'never';

/**
 * An application that sends to `count` subscribers, with both their endpoints on a real server. Time goes on when the
 * campaign is worked on; before each step something is published, as long as `traffic` says so.
 */
export async function sending(count = 2, options: Partial<OutboxOptions> = {}) {
  const clock = testClock();
  const data = new MemoryData();
  const store = memoryStore({ data });
  const posted: Posted[] = [];
  const forged: string[] = [];
  const challenges: string[] = [];
  const rules = {
    answer: (_: { readonly side: string; readonly subscriber: string; readonly id: string }): Answer => 200,
    challenge: (word: string, _subscriber: string): string | number => word,
  };
  const server = await serve((response, request) => {
    const [, side, subscriber] = request.path.split('/') as [string, 'old' | 'new', string];
    if (!isSigned(request, side)) forged.push(request.path);
    const body = JSON.parse(request.body) as { type: string; challenge: string };
    if (body.type === 'endpoint.challenge') {
      challenges.push(request.path);
      const said = rules.challenge(body.challenge, subscriber);
      response.statusCode = typeof said === 'number' ? said : 200;
      return response.end(String(said));
    }
    const id = String(request.headers['webhook-id']);
    const answer = rules.answer({ side, subscriber, id });
    const status = answer === 'lost' ? 200 : answer === 'never' ? 0 : answer;
    posted.push({ id, side, subscriber, status, body: request.body });
    if (answer === 'never') return;
    if (answer === 'lost') return response.destroy();
    response.statusCode = status;
    response.end();
  });
  const allow = ['127.0.0.1'];
  const urlOf = (side: string, id: unknown) => `${server.url}/${side}/${id}`;
  const rule = subscription({
    of: 'Endpoint',
    hub: sender({ clock, allow }),
    protocol: 'standardwebhooks',
    terms: (_, { id }) => ({
      topic: 'https://app.example/events',
      old: urlOf('old', id),
      new: urlOf('new', id),
      oldSecret: secretOf('old'),
      newSecret: secretOf('new'),
    }),
  });
  const migrations = [defineMigration({ name: 'endpoints', version: 1, subscriptions: [rule] })];
  const context = { store, migrations, clock, by: 'ann' };
  const subscribers = Array.from({ length: count }, (_, i) => key('Endpoint', i + 1));
  await store.overwrite(subscribers.map((each) => ({ key: each, content: content({ name: each.toString() }) })));

  const outbox = (its: Store = memoryStore({ data })) =>
    new Outbox({
      store: its,
      clock,
      allow,
      share: SHARE,
      endpoint: ({ id }) => ({ url: urlOf('old', id), secret: secretOf('old') }),
      ...options,
    });
  const main = outbox(store);
  const published: string[] = [];
  const publish = async (n = 1): Promise<void> => {
    for (let i = 0; i < n; i++) {
      const id = `evt_${published.length + 1}`;
      published.push(id);
      await main.put({ id, body: JSON.stringify({ type: 'thing.happened', number: published.length }) }, subscribers);
    }
  };
  const untried = async () => {
    let count = 0;
    for await (const { attempts } of main.list('received')) if (attempts === 0) count++;
    return count;
  };
  const w = { traffic: true, sleeps: 0 };
  /** The engine's time is what moves all of it on: with each of its waits something happens meanwhile. */
  const driving: Clock = {
    ...clock,
    sleep: async (ms, signal) => {
      if (signal?.aborted) return;
      w.sleeps++;
      // No more than the senders of this machine can take.
      if (w.traffic && (await untried()) < 5 * count) await publish();
      await systemClock.sleep(4);
      clock.advance(ms);
    },
  };
  const worker = new Worker({ store, migrations, clock: driving, id: 'w1' });
  /** Lets the engine work until its campaign rests, or it has waited so often. */
  const turn = async (waits: number): Promise<boolean> => {
    const end = new AbortController();
    const from = w.sleeps;
    const work = (async () => {
      while (!end.signal.aborted) {
        const campaign = await commands.theCampaign(context, 'endpoints');
        if (campaign.settledAt !== undefined || campaign.closed) return true;
        if (!(await worker.step(campaign, end.signal))) await driving.sleep(1000);
      }
      return false;
    })();
    let isOver = false;
    const over = work.finally(() => {
      isOver = true;
    });
    over.catch(() => undefined);
    while (!isOver && w.sleeps - from < waits) await systemClock.sleep(2);
    end.abort();
    return work;
  };
  const stateOf = async (id: number) =>
    (await load(store, 'subscription', subscriptionKey(key('Endpoint', id).toString())))?.value.state;
  /** Until the campaign rests. */
  const go = async (...way: readonly ((context: commands.CommandContext) => Promise<unknown>)[]) => {
    for (const say of way) {
      await say(context);
      if (!(await turn(2000))) throw new Error(`it never came to rest: ${await stateOf(1)}`);
    }
  };
  const waiting = async () => {
    let left = 0;
    for await (const _ of main.list('received')) left++;
    return left;
  };
  return Object.assign(w, {
    clock,
    data,
    store,
    context,
    outbox,
    main,
    posted,
    published,
    challenges,
    rules,
    publish,
    turn,
    go,
    stateOf,
    waiting,
    /** Sends in the background; `stop` waits for its end. */
    work: (its: Outbox = main) => working(its),
    /** Until nothing waits any more. */
    drained: () =>
      until('everything is sent', async () => {
        clock.advance(60_000);
        await systemClock.sleep(5);
        return (await waiting()) === 0;
      }),
    /** What has not taken effect at each subscriber, and what was not signed by who should have. */
    wrongs: () => ({ missed: missed(posted, published, count), forged }),
  });
}

/** As of its own moment: this clock may go on by hours meanwhile. */
const isSigned = ({ headers, body }: Seen, side: string): boolean => {
  const now = Number(headers['webhook-timestamp']) * 1000;
  return standardWebhooks({ headers, body: Buffer.from(body) }, [secretOf(side)], now) === 'valid';
};

function missed(posted: readonly Posted[], published: readonly string[], count: number): string[] {
  const taken = new Set(posted.filter(({ status }) => status === 200).map((each) => `${each.subscriber} ${each.id}`));
  const wanted = Array.from({ length: count }, (_, i) => published.map((id) => `${i + 1} ${id}`)).flat();
  return wanted.filter((each) => !taken.has(each));
}

function working(outbox: Outbox): { stop(): Promise<void> } {
  const end = new AbortController();
  const work = outbox.work(end.signal);
  work.catch(() => undefined);
  const stop = async () => {
    end.abort();
    await work;
  };
  onTestFinished(() => stop().catch(() => undefined));
  return { stop };
}

export const RIGHT = { missed: [], forged: [] };

export const START = (context: commands.CommandContext) => commands.start(context, 'endpoints', { ramp: false });
export const SWITCH = (context: commands.CommandContext) => commands.switchOver(context, 'endpoints');
export const REVERSE = (context: commands.CommandContext) => commands.reverse(context, 'endpoints');
export const COMPLETE = (context: commands.CommandContext) => commands.complete(context, 'endpoints');
