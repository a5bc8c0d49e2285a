import { systemClock } from '../../clock.ts';
import type { Hub } from '../../define/hub.ts';
import { type RestDefinition, restProvider } from '../rest.ts';
import { type RestAnswer, textAt } from '../restCall.ts';

export interface SolidOptions
  extends Pick<RestDefinition, 'allow' | 'deadlineMs' | 'ca' | 'plainHttp' | 'clock' | 'headers'> {
  readonly name?: string;
}

const CONTEXT = 'https://www.w3.org/ns/solid/notification/v1';
const CHANNEL = 'http://www.w3.org/ns/solid/notifications#WebhookChannel2023';

/**
 * WebhookChannel2023 of the Solid Notifications Protocol 0.2: the hub is the subscription service, as the storage describes
 * it, and the topic a resource. It tells no list; a channel whose answer was lost sends everything twice until its `endAt`.
 */
export function solid({ name = 'solid', ...options }: SolidOptions = {}): Hub {
  const { clock = systemClock } = options;
  return restProvider({
    ...options,
    name,
    create: ({ hub, topic, callback, leaseSeconds }) => ({
      method: 'POST',
      url: hub,
      headers: { 'content-type': 'application/ld+json', accept: 'application/ld+json' },
      json: {
        '@context': [CONTEXT],
        type: CHANNEL,
        topic,
        sendTo: callback,
        ...(leaseSeconds === undefined ? {} : { endAt: new Date(clock.now() + leaseSeconds * 1_000).toISOString() }),
      },
    }),
    reference: channelOf,
    leaseSeconds: ({ json }, now) => {
      const end = Date.parse(textAt(json, 'endAt') ?? '');
      return Number.isNaN(end) ? undefined : Math.max(0, Math.floor((end - now) / 1_000));
    },
    delete: { method: 'DELETE', url: '{reference}' },
  });
}

/** A channel is a URL, and credentials will be sent to it: not to another server than the one that was asked. */
function channelOf({ json, url }: RestAnswer): string | undefined {
  const id = textAt(json, 'id') ?? textAt(json, '@id');
  if (id === undefined || !URL.canParse(id, url)) return undefined;
  const channel = new URL(id, url);
  return channel.origin === new URL(url).origin ? channel.href : undefined;
}
