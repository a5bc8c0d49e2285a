import { createServer } from 'node:http';
import { describe, expect, test } from 'vitest';
import type { Side } from '../../src/webhooks/callbacks.ts';
import { listen, TOPIC, until, type World, world } from './world.ts';

const CHALLENGE = 'a+b/c=d e&f';

function verify({ url }: World, side: Side | string, changed: Record<string, string | undefined> = {}) {
  const fields = { 'hub.mode': 'subscribe', 'hub.topic': TOPIC, 'hub.challenge': CHALLENGE, ...changed };
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) query.set(name, value);
  return fetch(`${url}/cb/${side}?${query}`, { redirect: 'manual' });
}

const subscribing = { side: 'new', mode: 'subscribe' } as const;

describe('verification', () => {
  test('10: a hub that verifies before it answers the request finds the intent', async () => {
    const w = await world();
    const hub = await listen(
      createServer(async (_, response) => {
        const { status } = await verify(w, 'new');
        response.writeHead(status === 200 ? 204 : 409).end();
      }),
    );
    w.callbacks.intents = [subscribing];
    expect((await fetch(hub, { method: 'POST' })).status).toBe(204);
    expect(w.callbacks.confirmed).toHaveLength(1);
  });

  test('11: what is intended is answered with exactly the challenge, whatever is in it', async () => {
    const w = await world();
    w.callbacks.intents = [subscribing];
    const response = await verify(w, 'new');
    expect(response.status).toBe(200);
    expect(await response.text()).toBe(CHALLENGE);
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8');
  });

  test('11: the confirmation is stored before the challenge is echoed', async () => {
    const w = await world();
    let store = () => {};
    const stored = new Promise<void>((resolve) => {
      store = resolve;
    });
    let asked = false;
    w.callbacks.verified = async () => {
      asked = true;
      await stored;
      return true;
    };
    let answered = false;
    const answer = verify(w, 'new').finally(() => {
      answered = true;
    });
    await until('it is asked', () => asked);
    expect(answered).toBe(false);
    store();
    expect((await answer).status).toBe(200);
  });

  test('11: when it cannot be stored the hub is asked to come again', async () => {
    const w = await world();
    w.callbacks.verified = async () => {
      throw new Error('the store is away');
    };
    const response = await verify(w, 'new');
    expect([response.status, await response.text()]).toEqual([503, '']);
  });

  test.each<[string, string, Record<string, string | undefined>]>([
    ['unknown path', 'none', {}],
    ['wrong topic', 'new', { 'hub.topic': `${TOPIC}#` }],
    ['no topic', 'new', { 'hub.topic': undefined }],
    ['wrong mode', 'new', { 'hub.mode': 'unsubscribe' }],
    ['no such mode', 'new', { 'hub.mode': 'publish' }],
    ['no mode', 'new', { 'hub.mode': undefined }],
    ['no challenge', 'new', { 'hub.challenge': undefined }],
    ['no intent', 'old', {}],
  ])('12: %s is answered 404', async (_, path, changed) => {
    const w = await world();
    w.callbacks.intents = [subscribing];
    const response = await verify(w, path, changed);
    expect([response.status, await response.text()]).toEqual([404, '']);
    expect(w.callbacks.confirmed).toEqual([]);
  });

  test.each<[string | undefined, number | undefined]>([
    ['864000', 864_000],
    [undefined, undefined],
    ['0', undefined],
    ['-5', undefined],
    ['1e3', undefined],
    ['999999999999999', 31_536_000],
    ['9'.repeat(400), 31_536_000],
  ])('13: a granted lease of %s seconds is recorded as %s', async (said, recorded) => {
    const w = await world();
    w.callbacks.intents = [subscribing];
    expect((await verify(w, 'new', { 'hub.lease_seconds': said })).status).toBe(200);
    expect(w.callbacks.confirmed[0]!.leaseSeconds).toBe(recorded);
  });

  test('14: a hub that repeats itself gets the same answer', async () => {
    const w = await world();
    w.callbacks.intents = [subscribing];
    for (let i = 0; i < 3; i++) expect(await (await verify(w, 'new')).text()).toBe(CHALLENGE);
  });

  test('15: which mode each side confirms is asked with the side, and a settled URL is not revived', async () => {
    const w = await world();
    w.callbacks.intents = [{ side: 'old', mode: 'unsubscribe' }];
    w.callbacks.set('old', { gone: true });
    const status = async (side: Side, mode: string) => (await verify(w, side, { 'hub.mode': mode })).status;
    expect(await status('old', 'unsubscribe')).toBe(200);
    expect(await status('old', 'subscribe')).toBe(404);
    expect(await status('new', 'unsubscribe')).toBe(404);
    expect(w.callbacks.confirmed).toMatchObject([{ side: 'old', mode: 'unsubscribe' }]);
  });

  test('16: a denial is a hint: its reason is passed on, and nothing is confirmed by it', async () => {
    const w = await world();
    w.callbacks.intents = [subscribing];
    const denied = { 'hub.mode': 'denied', 'hub.challenge': undefined, 'hub.reason': 'too many' };
    expect((await verify(w, 'new', denied)).status).toBe(200);
    await w.receiver.settled();
    expect(w.callbacks.denials).toMatchObject([{ side: 'new', reason: 'too many' }]);
    expect(w.callbacks.confirmed).toEqual([]);
    expect((await verify(w, 'new', { ...denied, 'hub.topic': 'https://example.org/other' })).status).toBe(404);
  });
});
