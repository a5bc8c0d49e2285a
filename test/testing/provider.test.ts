import { Webhook } from 'standardwebhooks';
import { afterEach, describe, expect, test } from 'vitest';
import { ALL_ATTEMPTS_MS, closeAll } from './callbacks.ts';
import { type Made, providerScene } from './providerScene.ts';

afterEach(closeAll);

describe('webhooks', () => {
  test('are created beside each other, listed, delivered to, and deleted', async () => {
    const { web, call, create, list, remove, publish, numbers } = await providerScene();
    const { status, body } = await create('/a');
    expect([status, body]).toEqual([201, { id: 'wh_1', url: web.url('/a'), secret: expect.stringMatching(/^whsec_/) }]);
    await create('/b');
    await call('POST', '/apps/others/webhooks', { url: web.url('/c') });
    expect(await list()).toEqual([
      ['wh_1', '/a'],
      ['wh_2', '/b'],
    ]);
    await publish();
    expect((await remove('wh_1')).status).toBe(204);
    expect((await remove('wh_1')).status).toBe(404);
    await publish();
    expect(await list()).toEqual([['wh_2', '/b']]);
    expect(['/a', '/b', '/c'].map(numbers)).toEqual([[1], [1, 2], []]);
  });

  test('that are not described are not created', async () => {
    const { call, list } = await providerScene();
    for (const wrong of [{}, { url: 'here' }, { url: 7 }, []])
      expect((await call('POST', '/apps/feeds/webhooks', wrong)).status).toBe(400);
    expect((await call('PUT', '/apps/feeds/webhooks', {})).status).toBe(405);
    expect((await call('GET', '/apps/feeds/webhook')).status).toBe(404);
    expect(await list()).toEqual([]);
  });

  test('asked for again with the same key are the same; the key is for one request only', async () => {
    const { create, list, remove } = await providerScene();
    const first = await create('/a', 'k1');
    expect(await create('/a', 'k1')).toEqual(first);
    expect((await create('/b', 'k1')).status).toBe(422);
    await create('/a', 'k2');
    expect(await list()).toEqual([
      ['wh_1', '/a'],
      ['wh_2', '/a'],
    ]);
    expect((await remove('wh_1', 'k3')).status).toBe(204);
    expect((await remove('wh_1', 'k3')).status).toBe(204);
  });
});

describe('deliveries', () => {
  test('are signed as Standard Webhooks says, anew in each attempt, under one id on all URLs', async () => {
    const { web, clock, create, publish, pass } = await providerScene();
    const { secret } = (await create('/a')).body as Made;
    await create('/b');
    web.answerDeliveries('/a', { status: 500 });
    await publish();
    await pass(1_000);
    const [first, second] = web.deliveries('/a');
    const [other] = web.deliveries('/b');
    expect(second!.body).toBe(first!.body);
    expect(new Set([first, second, other].map((each) => each!.headers['webhook-id'])).size).toBe(1);
    const stamps = [first, second].map((each) => Number(each!.headers['webhook-timestamp']));
    const seconds = Math.floor(clock.now() / 1000);
    expect(stamps).toEqual([seconds - 1, seconds]);
    const opened = new Webhook(secret);
    const verify = (each: typeof first) => opened.verify(each!.body, each!.headers as Record<string, string>);
    expect(verify(first)).toMatchObject({ data: { number: 1 } });
    expect(verify(second)).toMatchObject({ data: { number: 1 } });
    expect(() => verify(other)).toThrow('No matching signature');
  });

  test('that fail are tried again with back-off, then given up', async () => {
    const { web, provider, create, publish, pass } = await providerScene();
    await create('/a');
    web.answerDeliveries('/a', 'nothing');
    await publish();
    await pass(ALL_ATTEMPTS_MS);
    expect(provider.log.deliveries.map(({ attempt, status, reference }) => [attempt, status, reference])).toEqual(
      [1, 2, 3, 4, 5].map((attempt) => [attempt, 'no answer', 'wh_1']),
    );
  });
});
