import { describe, expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { defineMigration } from '../../src/define/migration.ts';
import { Crash, type Fault, MemoryData, memoryStore } from '../../src/store/memory.ts';
import type { Capabilities } from '../../src/store/store.ts';
import {
  all,
  changingRule,
  feedOf,
  handClock,
  newKey,
  oldKey,
  rest,
  seed,
  verified,
  type World,
  world,
} from './harness.ts';

const migration = defineMigration({ name: 'feeds', version: 1, records: [changingRule] });
const N = 6;
const SEEDS = Number(process.env.SEEDS ?? 60);
const FIRST = Number(process.env.SEED ?? 1);

/** mulberry32: a small generator whose whole state is its seed. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const tick = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Two workers, two clients and an operator whose mind wavers, on one data set, every store call delayed by chance. */
async function run(seedNumber: number, capabilities: Partial<Capabilities>): Promise<void> {
  const random = chance(seedNumber);
  const data = new MemoryData();
  const delay = async () => {
    for (let n = Math.floor(random() * 6); n > 0; n--) await tick();
  };
  const slow = async () => {
    await delay();
    return undefined;
  };
  const mortal = async (): Promise<Fault | undefined> => {
    await delay();
    if (over || random() > 0.01) return undefined;
    return random() < 0.5
      ? { kind: 'crash', when: random() < 0.5 ? 'before' : 'after' }
      : { kind: 'lost', applied: random() < 0.5 };
  };
  let over = false;
  const clock = handClock();
  const actor = (worker: string, fault: () => Promise<Fault | undefined> = slow) =>
    world({ store: memoryStore({ data, capabilities, fault }), migration, worker, clock });
  const operator = actor('operator');
  await seed(operator.store, N);
  await commands.start(operator.context, 'feeds');
  const workers = ['w1', 'w2'].map(async (name) => {
    for (let life = 1; !over; life++) await liveAndDie(actor(`${name}x${life}`, mortal), () => over);
  });
  const acknowledged = new Map<number, number>();
  const clients = [0, 1].map(async (client) => {
    const { router } = actor(`client ${client}`);
    for (let i = 0; i < 25; i++) {
      const n = 1 + Math.floor(random() * N);
      const address = { from: oldKey(n), into: newKey(n) };
      const floor = acknowledged.get(n) ?? 0;
      const seen = await router.get(address);
      // P3: what was acknowledged before the read began must be in it.
      expect(seen?.visits ?? -1).toBeGreaterThanOrEqual(floor);
      await router.update(address, (feed) => ({ ...feed, visits: feed.visits + 1 }));
      acknowledged.set(n, (acknowledged.get(n) ?? 0) + 1);
    }
  });
  const minds = [commands.switchOver, commands.reverse, commands.switchOver, commands.reverse, commands.switchOver];
  const mind = (async () => {
    for (const change of minds) {
      await settledOrTired(operator, random() < 0.5 ? 40 : 400);
      await change(operator.context, 'feeds').catch((error: { code?: string }) => {
        if (error.code !== 'gate.closed' && error.code !== 'campaign.refused') throw error;
      });
    }
  })();
  await Promise.all([...clients, mind]);
  over = true;
  await Promise.all(workers);
  await rest(operator);
  const { stage, switchGateOpen } = await commands.theCampaign(operator.context, 'feeds');
  if (!switchGateOpen) {
    await commands.start(operator.context, 'feeds');
    await rest(operator);
  }
  if (stage !== 'switched') {
    await commands.switchOver(operator.context, 'feeds');
    await rest(operator);
  }
  await commands.complete(operator.context, 'feeds');
  await rest(operator);
  expect(await verified(operator)).toMatchObject({ clean: true, started: N, completed: N, seen: N });
  const moved = await all(operator.store, 'Feed', 'User');
  for (let n = 1; n <= N; n++) {
    const { user, title } = feedOf(n);
    const expected = { user, name: title.toUpperCase(), visits: acknowledged.get(n) ?? 0 };
    expect(moved.get(newKey(n).toString())).toEqual(expected);
  }
}

/** A worker until it dies or all is over. A lost answer is no reason to die. */
async function liveAndDie({ worker, context, clock }: World, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    try {
      const campaign = await commands.theCampaign(context, 'feeds');
      if (!(await worker.step(campaign, new AbortController().signal))) await clock.sleep(20);
    } catch (error) {
      if (error instanceof Crash) return;
      if ((error as { code?: string }).code !== 'store.unknown') throw error;
    }
  }
}

async function settledOrTired(w: ReturnType<typeof world>, patience: number): Promise<void> {
  for (let i = 0; i < patience; i++) {
    if ((await commands.theCampaign(w.context, 'feeds')).settledAt !== undefined) return;
    await tick();
  }
}

describe('two workers that die now and then, two clients and a wavering operator', () => {
  for (const [name, capabilities] of [
    ['full path', { atomic: 'group' }],
    ['short path', { atomic: 'any' }],
    ['without snapshot reads', { atomic: 'entity', snapshotReads: false }],
  ] as const) {
    it(`never lose an acknowledged write, never show an older value: ${name}`, { timeout: 120_000 }, async () => {
      for (let seedNumber = FIRST; seedNumber < FIRST + SEEDS; seedNumber++) {
        await run(seedNumber, capabilities).catch((error: Error) => {
          const replay = `SEED=${seedNumber} SEEDS=1 npx vitest run test/engine/concurrency.test.ts -t '${name}'`;
          throw new Error(`seed ${seedNumber}: ${error.message}\nreplay: ${replay}`, { cause: error });
        });
      }
    });
  }
});
