import type { Hub } from '../../define/hub.ts';
import { restProvider } from '../rest.ts';
import { at, type RestAnswer, type RestCall, textAt } from '../restCall.ts';
import { type Page, subscriptionsOf } from '../restList.ts';
import { bearer, type ProviderOptions } from './options.ts';

export interface SvixOptions extends ProviderOptions {
  /** Id or uid of the application there. */
  readonly app: string;
}

/**
 * Endpoints of Svix (api.svix.com/docs), which many providers of Standard Webhooks run on. A topic is a type of event, several
 * with commas. A secret is `whsec_` and base64.
 */
export function svix({ base = 'https://api.svix.com', name = 'svix', app, token, ...options }: SvixOptions): Hub {
  const endpoints = `${base}/api/v1/app/${encodeURIComponent(app)}/endpoint`;
  return restProvider({
    ...options,
    name,
    headers: bearer(token),
    repeat: 'key',
    create: ({ callback, topic, secret }) => ({
      method: 'POST',
      url: endpoints,
      json: { url: callback, filterTypes: typesOf(topic), secret },
    }),
    reference: 'id',
    delete: { method: 'DELETE', url: `${endpoints}/{reference}` },
    list: {
      request: { method: 'GET', url: `${endpoints}?limit=100` },
      read: (answer, _, topic) => pageOf(answer, topic, endpoints),
    },
  });
}

const typesOf = (topic: string) => topic.split(',').map((type) => type.trim());

/** An endpoint without a filter is sent everything. */
function pageOf({ json }: RestAnswer, topic: string, endpoints: string): Page {
  const wanted = new Set(typesOf(topic));
  const ours = (at(json, 'data') as readonly unknown[]).filter((item) => {
    const types = at(item, 'filterTypes') as readonly string[] | null | undefined;
    return !types || types.some((type) => wanted.has(type));
  });
  const found = subscriptionsOf(ours, { reference: 'id', callback: 'url' });
  const iterator = textAt(json, 'iterator');
  if (at(json, 'done') !== false || iterator === undefined) return { found };
  const next: RestCall = { method: 'GET', url: `${endpoints}?limit=100&iterator=${encodeURIComponent(iterator)}` };
  return { found, next };
}
