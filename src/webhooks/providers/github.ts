import LinkHeader from 'http-link-header';
import type { Hub, HubRequest } from '../../define/hub.ts';
import { restProvider } from '../rest.ts';
import type { RestAnswer, RestCall } from '../restCall.ts';
import { type Page, subscriptionsOf } from '../restList.ts';
import { bearer, type ProviderOptions } from './options.ts';

export interface GithubOptions extends ProviderOptions {
  /** Which events; `push` alone without it. */
  readonly events?: readonly string[];
}

const HEADERS = { accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28' };

/**
 * Webhooks of GitHub (docs.github.com/rest/repos/webhooks and orgs/webhooks), and of those who copied it. A topic is
 * `repos/OWNER/NAME` or `orgs/NAME`. There are no idempotency keys, so the list is read first; a hook that is there is given
 * the secret of this request.
 */
export function github({
  base = 'https://api.github.com',
  name = 'github',
  events = ['push'],
  token,
  ...options
}: GithubOptions): Hub {
  const hooks = (topic: string) => `${base}/${checked(topic)}/hooks`;
  const body = ({ callback, secret }: HubRequest) => ({
    active: true,
    events,
    config: { url: callback, content_type: 'json', insecure_ssl: '0', secret },
  });
  return restProvider({
    ...options,
    name,
    headers: async () => ({ ...HEADERS, ...(await bearer(token)()) }),
    repeat: 'look',
    create: (request) => ({ method: 'POST', url: hooks(request.topic), json: { name: 'web', ...body(request) } }),
    replace: (request) => ({ method: 'PATCH', url: hook(hooks, request), json: body(request) }),
    reference: 'id',
    delete: (request) => ({ method: 'DELETE', url: hook(hooks, request) }),
    list: {
      request: ({ topic }) => ({ method: 'GET', url: `${hooks(topic)}?per_page=100` }),
      read: pageOf,
    },
  });
}

function hook(hooks: (topic: string) => string, { topic, reference }: HubRequest): string {
  if (reference === undefined) throw new Error('a hook is found by its number only');
  return `${hooks(topic)}/${encodeURIComponent(reference)}`;
}

/** A topic becomes part of a path that credentials are sent to. */
function checked(topic: string): string {
  if (!/^(repos\/[\w-]+\/[\w.-]+|orgs\/[\w-]+)$/.test(topic) || /\/\.+$/.test(topic)) {
    throw new Error(`${topic} is neither repos/OWNER/NAME nor orgs/NAME`);
  }
  return topic;
}

function pageOf({ json, header }: RestAnswer): Page {
  const found = subscriptionsOf(json as readonly unknown[], { reference: 'id', callback: 'config.url' });
  const next = LinkHeader.parse(header('link') ?? '').rel('next')[0]?.uri;
  const call: RestCall | undefined = next === undefined ? undefined : { method: 'GET', url: next };
  return { found, ...(call ? { next: call } : {}) };
}
