import { describe, expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { defineMigration } from '../../src/define/migration.ts';
import { decodeSlot } from '../../src/record/slot.ts';
import { Crash, type Fault, MemoryData, memoryStore, type StoreCall } from '../../src/store/memory.ts';
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
const N = 2;

/** The operator's way through every stage, with a change of mind. Each entry waits for the one before to rest. */
const WAY: readonly ((context: commands.CommandContext) => Promise<unknown>)[] = [
  (context) => commands.start(context, 'feeds'),
  (context) => commands.switchOver(context, 'feeds'),
  (context) => commands.reverse(context, 'feeds'),
  (context) => commands.switchOver(context, 'feeds'),
  (context) => commands.complete(context, 'feeds'),
];

/** `index`: of the call, among those of all workers from the first one on. */
type Plan = (index: number, call: StoreCall) => Fault | undefined;

/** Runs the whole way with one worker whose store has the faults; when it dies, another takes over, with the same store. */
async function journeyWith(plan: Plan, capabilities: Partial<Capabilities>): Promise<{ world: World; calls: number }> {
  const data = new MemoryData();
  const sound = memoryStore({ data, capabilities });
  let calls = 0;
  const faulty = () => memoryStore({ data, capabilities, fault: (call) => plan(calls++, call) });
  const clock = handClock();
  const operator = world({ store: sound, migration, clock });
  await seed(sound, N);
  let workers = 0;
  const worker = () => world({ store: faulty(), migration, clock, worker: `w${++workers}` });
  let actor = worker();
  for (const [i, step] of WAY.entries()) {
    await step(operator.context);
    for (;;) {
      try {
        await rest({ ...actor, context: operator.context });
        break;
      } catch (error) {
        if (error instanceof Crash) actor = worker();
        else if ((error as { code?: string }).code !== 'store.unknown') throw error;
      }
    }
    // A client writes between the stages, so that each stage has something to lose.
    await operator.router.update({ from: oldKey(1), into: newKey(1) }, (feed) => ({
      ...feed,
      visits: feed.visits + i + 1,
    }));
  }
  await rest({ ...actor, context: operator.context });
  return { world: operator, calls };
}

async function expectWhole(w: World): Promise<void> {
  expect(await verified(w)).toMatchObject({ clean: true, started: N, completed: N, seen: N });
  const moved = await all(w.store, 'Feed', 'User');
  for (let n = 1; n <= N; n++) {
    const { user, title } = feedOf(n);
    expect(moved.get(newKey(n).toString())).toEqual({ user, name: title.toUpperCase(), visits: n === 1 ? 15 : 0 });
  }
  await expectJournalsInOrder(w);
}

/** P5: no move done twice. Each journal counts up by one, and no entry repeats the one before. */
async function expectJournalsInOrder({ store }: World): Promise<void> {
  const { entities } = await store.scan({ namespace: '', kind: 'Feed', rootKind: 'User' }, 100);
  for (const { slot } of entities) {
    const { journal, seq } = decodeSlot(slot!);
    expect(journal.at(-1)!.seq).toBe(seq);
    journal.slice(1).forEach((entry, i) => {
      expect(entry.seq).toBe(journal[i]!.seq + 1);
      expect(entry.move).not.toBe(journal[i]!.move);
    });
  }
}

const STORES: readonly [string, Partial<Capabilities>][] = [
  ['full path', { atomic: 'group' }],
  ['short path', { atomic: 'any' }],
  ['without snapshot reads', { atomic: 'entity', snapshotReads: false }],
];

/** So many faults strike on one way, as far from each other as can be: each way tells about so many calls. */
const FAULTS_A_WAY = 6;
/** Of the calls on a way each sixth is struck; with `EVERY=1` each one. */
const EVERY = process.env['EVERY'] ? 1 : 6;

for (const [name, capabilities] of STORES) {
  describe(`faults, ${name}`, { timeout: 180_000 }, () => {
    /** Every call of the way is struck once, or a sixth of them; `strikes` is told how many calls after the one that is struck a call is. */
    const everyCall = async (strikes: (after: number, call: StoreCall) => Fault | undefined) => {
      const { calls } = await journeyWith(() => undefined, capabilities);
      const stride = Math.ceil(calls / FAULTS_A_WAY);
      expect(stride).toBeGreaterThan(50);
      for (let first = 0; first < stride; first += EVERY) {
        // Then they end: a range that changes hands in every sweep would keep a campaign from closing, and rightly so.
        const plan: Plan = (index, call) =>
          index < first || index >= first + FAULTS_A_WAY * stride ? undefined : strikes((index - first) % stride, call);
        const { world: w } = await journeyWith(plan, capabilities);
        await expectWhole(w).catch((error: Error) => {
          throw new Error(`faults from call ${first} on, each ${stride}: ${error.message}`, { cause: error });
        });
      }
    };

    it('a worker that dies before any one of its store calls loses nothing (P5)', async () => {
      await everyCall((after) => (after === 0 ? { kind: 'crash', when: 'before' } : undefined));
    });

    it('a worker that dies after a call was applied and before it hears so loses nothing (P5)', async () => {
      await everyCall((after) => (after === 0 ? { kind: 'crash', when: 'after' } : undefined));
    });

    it('an answer that is lost after the commit was applied is looked up, not tried again (P5)', async () => {
      await everyCall((after) => (after === 0 ? { kind: 'lost' } : undefined));
    });

    it('an answer that is lost before the commit was applied is looked up too (P5)', async () => {
      await everyCall((after) => (after === 0 ? { kind: 'lost', applied: false } : undefined));
    });

    it('a call that the store is too busy for is made again, control documents too', async () => {
      await everyCall((after, { mutations }) =>
        after < 3 && mutations.length > 0
          ? { kind: 'busy', why: after % 2 === 0 ? 'contention' : 'exhausted' }
          : undefined,
      );
    });

    it('a mutation that loses although nobody was faster is looked at again', async () => {
      await everyCall((after, { mutations }) =>
        after < 3 && mutations.length > 0 ? { kind: 'conflict', index: 0 } : undefined,
      );
    });
  });
}
