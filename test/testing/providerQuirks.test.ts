import { afterEach, expect, test } from 'vitest';
import { NO_PROVIDER_QUIRKS, type ProviderQuirks } from '../../src/testing/hub/providerQuirks.ts';
import { tableBelow } from '../docs/pages.ts';
import { ALL_ATTEMPTS_MS, closeAll } from './callbacks.ts';
import { type Case, tested } from './cases.ts';
import { type ProviderScene, providerScene } from './providerScene.ts';

afterEach(closeAll);

/** Three are published while the URL is in trouble; it recovers when the first has been tried once. */
const troubledDeliveries = async ({ web, create, publish, pass, numbers }: ProviderScene) => {
  await create('/a');
  web.answerDeliveries('/a', { status: 500 });
  await publish();
  web.answerDeliveries('/a', undefined);
  await publish(2);
  await pass(ALL_ATTEMPTS_MS);
  return numbers('/a');
};

/** Status of each attempt, and how many webhooks there are in the end. */
const createdAgain = async ({ provider, create }: ProviderScene) => {
  const tried = () =>
    create('/a', 'k1').then(
      ({ body }) => body.id,
      () => 'no answer',
    );
  return [await tried(), await tried(), provider.webhooks('feeds').length];
};

const CASES: { readonly [Quirk in keyof ProviderQuirks]: readonly Case<ProviderScene, ProviderQuirks>[] } = {
  shape: [
    {
      hazard: 'an app has one URL, and a request replaces it',
      quirks: { shape: 'swap' },
      course: async ({ web, provider, swap, create, call, publish, numbers }) => {
        const statuses = [(await swap('/a')).status];
        await publish();
        statuses.push((await swap('/b')).status);
        await publish();
        const beside = (await create('/c')).status;
        const shown = await call('GET', '/apps/feeds/webhook');
        expect(shown.body ?? {}).toEqual(shown.status === 200 ? { id: 'wh_1', url: web.url('/b') } : expect.anything());
        return [statuses, beside, shown.status, ['/a', '/b'].map(numbers), provider.webhooks('feeds').length];
      },
      without: [[404, 404], 201, 404, [[], []], 1],
      with: [[200, 200], 404, 200, [[1], [2]], 1],
    },
  ],
  losesAnswers: [
    {
      hazard: 'what was created is not answered, and asked for again it is the same',
      quirks: { losesAnswers: 1 },
      course: createdAgain,
      without: ['wh_1', 'wh_1', 1],
      with: ['no answer', 'wh_1', 1],
    },
    {
      hazard: 'what was deleted is not answered',
      quirks: { losesAnswers: 2 },
      course: async ({ provider, create, remove, list }) => {
        await create('/a').catch(() => undefined);
        const { status } = await remove('wh_7');
        await remove('wh_1').catch(() => undefined);
        return [status, await list(), provider.log.calls.map(({ status }) => status)];
      },
      without: [404, [], [201, 404, 204, 200]],
      with: [404, [], ['lost', 404, 'lost', 200]],
    },
  ],
  lostComeAfterMs: [
    {
      hazard: 'what was not answered comes to be when nobody waits for it any more',
      quirks: { losesAnswers: 1, lostComeAfterMs: 60_000 },
      course: async ({ provider, create, pass }) => {
        await create('/a').catch(() => undefined);
        const at = provider.webhooks('feeds').length;
        await pass(60_000);
        return [at, provider.webhooks('feeds').length];
      },
      without: [1, 1],
      with: [0, 1],
    },
  ],
  refuses: [
    {
      hazard: 'nothing can be changed, and it says so',
      quirks: { refuses: true },
      course: async ({ create, list }) => [(await create('/a')).status, (await list()).length],
      without: [201, 1],
      with: [403, 0],
    },
  ],
  swapsAfterMs: [
    {
      hazard: 'the URL is replaced some time after the answer',
      quirks: { swapsAfterMs: 5_000 },
      course: async ({ provider, swap, publish, pass, numbers }) => {
        provider.set({ shape: 'swap' });
        const statuses = [(await swap('/a')).status, (await swap('/b')).status];
        await publish();
        await pass(5_000);
        await publish();
        return [statuses, ['/a', '/b'].map(numbers)];
      },
      without: [
        [200, 200],
        [[], [1, 2]],
      ],
      with: [
        [200, 202],
        [[1], [2]],
      ],
    },
  ],
  repeatsAtFirstUrl: [
    {
      hazard: 'what failed before the URL was replaced comes to the old one again',
      quirks: { repeatsAtFirstUrl: true },
      course: async ({ provider, web, swap, publish, pass, numbers }) => {
        provider.set({ shape: 'swap' });
        await swap('/a');
        web.answerDeliveries('/a', { status: 500 });
        await publish();
        await swap('/b');
        await pass(1_000);
        return ['/a', '/b'].map(numbers);
      },
      without: [[1], [1]],
      with: [[1, 1], []],
    },
  ],
  createsTwice: [
    {
      hazard: 'one request makes two, and both are delivered to',
      quirks: { createsTwice: true },
      course: async ({ web, create, list, publish, numbers }) => {
        const { body } = await create('/a');
        await publish();
        const signatures = web.deliveries('/a').map(({ headers }) => headers['webhook-signature']);
        expect(new Set(signatures).size).toBe(1);
        return [body.id, await list(), numbers('/a')];
      },
      without: ['wh_1', [['wh_1', '/a']], [1]],
      with: [
        'wh_1',
        [
          ['wh_1', '/a'],
          ['wh_2', '/a'],
        ],
        [1, 1],
      ],
    },
  ],
  ignoresKeys: [
    {
      hazard: 'the second attempt of one request makes another',
      quirks: { ignoresKeys: true },
      course: createdAgain,
      without: ['wh_1', 'wh_1', 1],
      with: ['wh_1', 'wh_2', 2],
    },
  ],
  listLagsMs: [
    {
      hazard: 'what was just made is not listed, and what was just deleted still is',
      quirks: { listLagsMs: 5_000 },
      course: async ({ create, list, remove, pass }) => {
        await create('/a');
        const seen = [(await list()).length];
        await pass(5_000);
        seen.push((await list()).length);
        await remove('wh_1');
        seen.push((await list()).length);
        await pass(5_000);
        return [...seen, (await list()).length];
      },
      without: [1, 1, 0, 0],
      with: [0, 1, 1, 0],
    },
  ],
  signing: [
    {
      hazard: 'deliveries are not signed',
      quirks: { signing: 'none' },
      course: async ({ web, create, publish }) => {
        await create('/a');
        await publish();
        return Object.keys(web.deliveries('/a')[0]!.headers).filter((name) => name.startsWith('webhook-'));
      },
      without: ['webhook-id', 'webhook-timestamp', 'webhook-signature'],
      with: [],
    },
  ],
  retries: [
    {
      hazard: 'a failed delivery is never tried again',
      quirks: { retries: 'never' },
      course: troubledDeliveries,
      without: [1, 1, 2, 3],
      with: [1, 2, 3],
    },
    {
      hazard: 'a failed delivery is replaced by the newest event',
      quirks: { retries: 'latest' },
      course: troubledDeliveries,
      without: [1, 1, 2, 3],
      with: [1, 3],
    },
  ],
  overtakes: [
    {
      hazard: 'what is tried again arrives after what is newer',
      quirks: { overtakes: true },
      course: troubledDeliveries,
      without: [1, 1, 2, 3],
      with: [1, 2, 3, 1],
    },
  ],
};

tested<ProviderScene, ProviderQuirks>(CASES, providerScene);

test('every quirk is in the docs', () => {
  const listed = tableBelow('docs/test-hub.md', 'Quirks of providers').map(([name]) => name);
  expect(listed).toEqual(Object.keys(NO_PROVIDER_QUIRKS));
});
