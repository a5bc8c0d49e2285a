import type { Problem } from './types.ts';

/** The token is kept for this tab only, and sent by this page's code only: no other page can make a browser send it. */
const KEPT = 'handover.token';
export const token = (): string | undefined => sessionStorage.getItem(KEPT) ?? undefined;
export const keepToken = (value: string): void => sessionStorage.setItem(KEPT, value);
export const forgetToken = (): void => sessionStorage.removeItem(KEPT);

/** The server refused. */
export class Refused extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.detail ?? problem.code);
    this.problem = problem;
  }
}

/** No answer came: a command may have been carried out, or not. */
export class Unanswered extends Error {}

export interface Answer<T> {
  readonly body: T;
  readonly etag?: string;
  readonly location?: string;
}

export interface Asking {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** A response whose body nobody has read yet. Throws `Refused` and `Unanswered`. */
export async function request(path: string, asking: Asking = {}): Promise<Response> {
  const { body, method = body ? 'POST' : 'GET', headers, signal } = asking;
  const shown = token();
  const response = await fetch(path, {
    method,
    headers: {
      ...(shown === undefined ? {} : { authorization: `Bearer ${shown}` }),
      ...(body ? { 'content-type': 'application/json' } : {}),
      ...headers,
    },
    // A proxy in front may know its users by a cookie.
    credentials: 'same-origin',
    cache: 'no-store',
    ...(body ? { body: JSON.stringify(body) } : {}),
    ...(signal ? { signal } : {}),
  }).catch((error) => {
    if (signal?.aborted) throw error;
    throw new Unanswered('No answer came.');
  });
  if (response.ok) return response;
  const problem = (await response.json().catch(() => ({}))) as Partial<Problem>;
  throw new Refused({ code: 'unexpected', ...problem, status: response.status });
}

export async function ask<T>(path: string, asking: Asking = {}): Promise<Answer<T>> {
  const response = await request(path, asking);
  const { headers } = response;
  const body = (await response.json().catch(() => {
    throw new Unanswered('The answer broke off.');
  })) as T;
  const etag = headers.get('etag');
  const location = headers.get('location');
  return { body, ...(etag ? { etag } : {}), ...(location ? { location } : {}) };
}

const part = encodeURIComponent;
export const paths = {
  campaigns: '/v1/campaigns',
  machines: '/v1/machines',
  me: '/v1/me',
  history: '/v1/history',
  events: '/v1/events',
  jobs: '/v1/jobs',
  job: (id: string) => `/v1/jobs/${part(id)}`,
  retryDeliveries: '/v1/deliveries/retry',
  deliveries: (query: Readonly<Record<string, string>>) => `/v1/deliveries?${new URLSearchParams(query)}`,
  campaign: (id: string) => `/v1/campaigns/${part(id)}`,
  command: (verb: string, id: string, migration: string) =>
    verb === 'start' ? `/v1/migrations/${part(migration)}/start` : `/v1/campaigns/${part(id)}/${verb}`,
  plan: (migration: string) => `/v1/migrations/${part(migration)}/plan`,
  verify: (id: string) => `/v1/campaigns/${part(id)}/verify`,
  audit: (id: string, from: number, limit: number) => `/v1/campaigns/${part(id)}/audit?cursor=${from}&limit=${limit}`,
  quarantine: (id: string, query: Readonly<Record<string, string>>) =>
    `/v1/campaigns/${part(id)}/quarantine?${new URLSearchParams(query)}`,
  records: (id: string, query: Readonly<Record<string, string>>) =>
    `/v1/campaigns/${part(id)}/records?${new URLSearchParams(query)}`,
  record: (key: string, campaign: string) => `/v1/records/${part(key)}?campaign=${part(campaign)}`,
};
