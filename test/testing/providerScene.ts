import { HandClock } from '../../src/testing/hub/handClock.ts';
import { TestProvider } from '../../src/testing/hub/provider.ts';
import type { ProviderQuirks } from '../../src/testing/hub/providerQuirks.ts';
import { callbacks, closing } from './callbacks.ts';

export interface Made {
  readonly id: string;
  readonly url: string;
  readonly secret: string;
}

export type ProviderScene = Awaited<ReturnType<typeof providerScene>>;

/** A provider on a clock that the test moves, and URLs to deliver to. */
export async function providerScene(quirks: Partial<ProviderQuirks> = {}) {
  // The library that checks signatures asks the system for the time.
  const clock = new HandClock(Date.now());
  const provider = closing(await TestProvider.start({ clock, quirks }));
  const web = closing(await callbacks());
  const call = async (method: string, path: string, body?: object, key?: string) => {
    const headers = { 'content-type': 'application/json', ...(key === undefined ? {} : { 'idempotency-key': key }) };
    const sent = { method, headers, body: body ? JSON.stringify(body) : null };
    const response = await fetch(`${provider.url}${path}`, sent);
    const text = await response.text();
    return { status: response.status, body: text ? JSON.parse(text) : undefined };
  };
  const create = (path: string, key?: string) => call('POST', '/apps/feeds/webhooks', { url: web.url(path) }, key);
  const list = async () => {
    const { body } = await call('GET', '/apps/feeds/webhooks');
    return body.data.map(({ id, url }: Made) => [id, new URL(url).pathname]);
  };
  return {
    clock,
    provider,
    web,
    call,
    create,
    list,
    remove: (id: string, key?: string) => call('DELETE', `/webhooks/${id}`, undefined, key),
    swap: (path: string, key?: string) => call('PUT', '/apps/feeds/webhook', { url: web.url(path) }, key),
    publish: async (times = 1) => {
      for (let i = 0; i < times; i++) provider.publish('feeds');
      await provider.idle();
    },
    numbers: (path: string) => web.deliveries(path).map(({ body }) => JSON.parse(body).data.number),
    pass: (ms: number) => clock.advance(ms, () => provider.idle()),
  };
}
