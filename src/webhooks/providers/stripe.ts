import type { Hub } from '../../define/hub.ts';
import { restProvider } from '../rest.ts';
import { at, type RestAnswer, type RestCall, textAt } from '../restCall.ts';
import { type Page, subscriptionsOf } from '../restList.ts';
import { bearer, type ProviderOptions } from './options.ts';

export interface StripeOptions extends ProviderOptions {
  /** The version of the interface that events are written in; the account's own without it. */
  readonly apiVersion?: string;
}

/**
 * Webhook endpoints of Stripe (docs.stripe.com/api/webhook_endpoints), and of those who copied it. A topic is a type of event
 * (`invoice.paid`), several with commas, or `*`. Stripe makes the secret and tells it once, in the answer to the request;
 * the key of that request gets the same answer for a day.
 */
export function stripe({
  base = 'https://api.stripe.com',
  name = 'stripe',
  apiVersion,
  token,
  ...options
}: StripeOptions): Hub {
  const endpoints = `${base}/v1/webhook_endpoints`;
  return restProvider({
    ...options,
    name,
    headers: bearer(token),
    repeat: 'key',
    create: ({ callback, topic }) => ({
      method: 'POST',
      url: endpoints,
      form: {
        url: callback,
        'enabled_events[]': eventsOf(topic),
        ...(apiVersion === undefined ? {} : { api_version: apiVersion }),
      },
    }),
    reference: 'id',
    secret: 'secret',
    delete: { method: 'DELETE', url: `${endpoints}/{reference}` },
    list: {
      request: { method: 'GET', url: `${endpoints}?limit=100` },
      read: (answer, _, topic) => pageOf(answer, topic, endpoints),
    },
  });
}

const eventsOf = (topic: string) => topic.split(',').map((type) => type.trim());

function pageOf({ json }: RestAnswer, topic: string, endpoints: string): Page {
  const items = at(json, 'data') as readonly unknown[];
  const wanted = new Set(eventsOf(topic));
  const ours = items.filter((item) =>
    (at(item, 'enabled_events') as readonly string[]).some((type) => wanted.has(type)),
  );
  const found = subscriptionsOf(ours, { reference: 'id', callback: 'url' });
  const last = textAt(items.at(-1), 'id');
  if (at(json, 'has_more') !== true || last === undefined) return { found };
  const next: RestCall = { method: 'GET', url: `${endpoints}?limit=100&starting_after=${encodeURIComponent(last)}` };
  return { found, next };
}
