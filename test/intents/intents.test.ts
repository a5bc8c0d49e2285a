import { afterEach, describe, expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { HUBS, type HubManner, OPERATIONS, type Operation, type Point } from './points.ts';
import { type Scene, scene } from './scene.ts';

const DAY_MS = 86_400_000;

let open: Scene | undefined;
afterEach(async () => {
  await open?.close();
  open = undefined;
});

/** There, back, and there again. Each operation is cut short once, at this point, by the death of the application. */
async function journey(manner: HubManner, point: Point): Promise<readonly string[]> {
  const s = await scene(manner);
  open = s;
  // It asked once, and did not hear that it was confirmed: it goes on posting until it is told 410, or its lease is over.
  const isDeaf = manner === 'asks the callback before its answer' && point === 'when a confirmation is stored';
  const isLeft = (paths: string) => `${s.peer.active()}` === paths || isDeaf;
  const cut = async (operation: Operation, how: () => unknown) => {
    s.aim({ operation, point });
    await how();
    await s.died();
  };
  await cut('subscribe', () => s.say((context) => commands.start(context, 'callbacks', { ramp: false })));
  await s.rest();
  expect((await s.document())!.state).toBe('proven');
  if (manner !== 'asks no callback') {
    // A lease is for ten days.
    await cut('renew', () => s.skip(7 * DAY_MS));
    await s.until('the lease is renewed', async () => {
      const { renewal, new: its } = (await s.document())!;
      return renewal === undefined && its.leaseUntil! - s.now() > 8 * DAY_MS;
    });
  }
  await cut('unsubscribe', () => s.say((context) => commands.switchOver(context, 'callbacks')));
  await s.rest();
  await s.until('only the new URL is left', () => isLeft('/new'));
  await cut('resubscribe', () => s.say((context) => commands.reverse(context, 'callbacks')));
  await cut('withdraw', () => undefined);
  await s.rest();
  expect((await s.document())!.state).toBe('home');
  await s.until('only the old URL is left', () => isLeft('/old'));
  await s.say((context) => commands.start(context, 'callbacks', { ramp: false, to: 'completed' }));
  await s.rest();
  expect((await s.document())!.state).toBe('settled');
  await s.until('nothing is left but the new URL', () => `${s.peer.active()}` === '/new');
  const { numbers, twice } = await s.allApplied();
  expect(numbers).toEqual(Array.from({ length: s.peer.published }, (_, i) => i + 1));
  expect(twice).toEqual([]);
  return s.deaths;
}

/** Each point with one of the hubs; with all of them under `EVERY=1`, for it takes minutes. */
const SOME: Readonly<Record<HubManner, readonly Point[]>> = {
  'asks the callback after its answer': [
    'when the request has arrived',
    'when a confirmation is asked for',
    'when the answer is stored',
  ],
  'asks the callback before its answer': ['when a confirmation is stored', 'before the answer is stored'],
  'asks no callback': ['before the intent is stored', 'before the request', 'when the request is carried out'],
};

describe.each(Object.keys(HUBS) as HubManner[])('with a hub that %s, a process killed', (manner) => {
  const operations = OPERATIONS.filter((operation) => manner !== 'asks no callback' || operation !== 'renew');

  it.each(process.env['EVERY'] ? HUBS[manner] : SOME[manner])(
    '%s leaves every update to be applied once, and no subscription behind',
    async (point) => {
      expect(await journey(manner, point)).toEqual(operations.map((operation) => `${operation} ${point}`));
    },
  );
});
