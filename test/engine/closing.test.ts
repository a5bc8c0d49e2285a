import { describe, expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { defineMigration } from '../../src/define/migration.ts';
import { documentKey } from '../../src/engine/documents.ts';
import { LIMITS } from '../../src/limits.ts';
import { type Fault, MemoryData, memoryStore, type StoreCall } from '../../src/store/memory.ts';
import type { Capabilities, Entity } from '../../src/store/store.ts';
import { all, changingRule, handClock, newKey, oldKey, rest, seed, verified, type World, world } from './harness.ts';

const migration = defineMigration({ name: 'feeds', version: 1, records: [changingRule] });
const N = 3;

/** A gate that holds the first call it likes, until it is opened. */
function barrier(likes: (call: StoreCall) => boolean) {
  let reached = () => {};
  let open = () => {};
  let used = false;
  const held = new Promise<void>((resolve) => {
    reached = resolve;
  });
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const fault = async (call: StoreCall): Promise<Fault | undefined> => {
    if (used || !likes(call)) return undefined;
    used = true;
    reached();
    await opened;
    return undefined;
  };
  return { fault, held, open };
}

const cedes = ({ mutations }: StoreCall) =>
  mutations.some((mutation) => mutation.op === 'update' && mutation.slot?.includes('"r":"C"'));
const copies = ({ mutations }: StoreCall) => mutations.some(({ op, key }) => op === 'insert' && key.path.length === 2);

/** Two workers and an operator on one data set; the first worker's store is the one that stalls. */
function party(capabilities: Partial<Capabilities>, fault: (call: StoreCall) => Promise<Fault | undefined>) {
  const data = new MemoryData();
  const clock = handClock();
  const actor = (name: string, options: Parameters<typeof memoryStore>[0] = {}) =>
    world({ store: memoryStore({ data, capabilities, ...options }), migration, clock, worker: name });
  return { late: actor('late', { fault }), sound: actor('sound'), clock };
}

/** The late worker works until it is held by its store; resolves when it has come to an end after the store let it go. */
async function stall(
  { late, sound }: Record<'late' | 'sound', World>,
  held: Promise<void>,
): Promise<() => Promise<void>> {
  const campaign = await commands.theCampaign(sound.context, 'feeds');
  const working = late.worker.step(campaign, new AbortController().signal);
  await Promise.race([held, working]);
  return async () => {
    await working;
  };
}

async function everything({ store }: World): Promise<readonly (Entity | undefined)[]> {
  const keys = Array.from({ length: N }, (_, i) => [oldKey(i + 1), newKey(i + 1)]).flat();
  return store.read(keys);
}

describe('nothing lands on a campaign that has closed (P7)', () => {
  it('not the cede of a worker that stalls in its commit while the campaign is called off and closed', async () => {
    const { fault, held, open } = barrier(cedes);
    const w = party({}, fault);
    await seed(w.sound.store, N);
    await commands.start(w.sound.context, 'feeds');
    await rest(w.sound);
    await commands.switchOver(w.sound.context, 'feeds');
    const ended = await stall(w, held);
    await commands.cancel(w.sound.context, 'feeds');
    expect(await rest(w.sound)).toMatchObject({ stage: 'cancelled', closed: true });
    const before = await everything(w.sound);
    open();
    await ended();
    expect(await everything(w.sound)).toEqual(before);
    expect((await all(w.sound.store, 'Feed', 'User')).size).toBe(0);
    expect(await verified(w.sound)).toMatchObject({ clean: true, started: N });
  });

  it('not a copy that stalls while its record is moved, deleted, and the campaign closes', async () => {
    const { fault, held, open } = barrier(copies);
    const w = party({}, fault);
    await seed(w.sound.store, N);
    await commands.start(w.sound.context, 'feeds', { to: 'completed' });
    const ended = await stall(w, held);
    await w.clock.sleep(2 * LIMITS.longestClaimMs);
    expect(await rest(w.sound)).toMatchObject({ stage: 'completed', closed: true });
    await w.sound.store.overwrite(
      [],
      [1, 2, 3].map((n) => newKey(n)),
    );
    open();
    await ended();
    expect(await everything(w.sound)).toEqual(Array(2 * N).fill(undefined));
  });

  const unguarded = { guards: false, lateMs: 1_000 };

  it('without guards, a worker that stalled for too long looks again before it acts', async () => {
    // It stalls in the look at the other sides, so that its commit is the next thing it would do.
    const { fault, held, open } = barrier(
      ({ op, keys }) => op === 'read' && keys.some(({ path }) => path.length === 2),
    );
    const w = party(unguarded, fault);
    await seed(w.sound.store, N);
    await commands.start(w.sound.context, 'feeds');
    await rest(w.sound);
    await commands.switchOver(w.sound.context, 'feeds');
    const ended = await stall(w, held);
    await commands.cancel(w.sound.context, 'feeds');
    expect(await rest(w.sound)).toMatchObject({ closed: true });
    const before = await everything(w.sound);
    open();
    await ended();
    expect(await everything(w.sound)).toEqual(before);
  });

  it('without guards, a campaign closes only when what was seen before its last sweep cannot land any more', async () => {
    const w = party(unguarded, async () => undefined).sound;
    await seed(w.store, N);
    await commands.start(w.context, 'feeds');
    await rest(w);
    const before = w.clock.now();
    await commands.cancel(w.context, 'feeds');
    await rest(w);
    expect(w.clock.now() - before).toBeGreaterThanOrEqual(LIMITS.actWithinMs + unguarded.lateMs);
  });

  it('without guards, a commit that lands as late as the store allows is found by the last sweep', async () => {
    const { fault, held, open } = barrier(cedes);
    const w = party(unguarded, fault);
    await seed(w.sound.store, N);
    await commands.start(w.sound.context, 'feeds');
    await rest(w.sound);
    await commands.switchOver(w.sound.context, 'feeds');
    const ended = await stall(w, held);
    await commands.cancel(w.sound.context, 'feeds');
    const closing = rest(w.sound);
    while ((await commands.theCampaign(w.sound.context, 'feeds')).sweep === 1) await w.clock.sleep(1);
    open();
    await ended();
    expect(await closing).toMatchObject({ stage: 'cancelled', closed: true });
    expect((await all(w.sound.store, 'Feed', 'User')).size).toBe(0);
    expect((await all(w.sound.store, 'Feed')).size).toBe(N);
    expect(await verified(w.sound)).toMatchObject({ clean: true, started: N });
  });

  it('a range that changed hands proves nothing: another sweep follows before the campaign closes', async () => {
    const { fault, held, open } = barrier(({ op }) => op === 'scan');
    const w = party({}, fault);
    await seed(w.sound.store, N);
    await commands.start(w.sound.context, 'feeds');
    await rest(w.sound);
    await commands.reverse(w.sound.context, 'feeds');
    await rest(w.sound);
    await commands.cancel(w.sound.context, 'feeds');
    const ended = await stall(w, held);
    await w.clock.sleep(2 * LIMITS.longestClaimMs);
    const { lastSweep, stage } = await rest(w.sound);
    expect([stage, lastSweep]).toMatchObject(['cancelled', { sweep: 2, clean: true }]);
    open();
    await ended();
  });

  it('a stage that does not close needs no proof: one sweep that moved nothing is enough', async () => {
    const w = party(unguarded, async () => undefined).sound;
    await seed(w.store, N);
    await commands.start(w.context, 'feeds');
    await rest(w);
    await commands.reverse(w.context, 'feeds');
    await rest(w);
    await commands.reverse(w.context, 'feeds');
    expect((await rest(w)).lastSweep).toMatchObject({ sweep: 1, clean: true });
  });
});

describe('a command whose answer is lost', () => {
  const losing = (nth: number) => {
    let commits = 0;
    const wrote = ({ op, keys }: StoreCall) =>
      op === 'commit' && keys.some((key) => key.equals(documentKey('campaign', 'feeds.1')));
    const fault = async (call: StoreCall): Promise<Fault | undefined> =>
      wrote(call) && ++commits === nth ? { kind: 'lost' } : undefined;
    return fault;
  };

  it('and took effect says so, and does so once', async () => {
    for (const nth of [1, 2, 3]) {
      const w = world({ store: memoryStore({ fault: losing(nth) }), migration });
      await seed(w.store, N);
      expect((await commands.start(w.context, 'feeds', { to: 'switched' })).stage).toBe('switching');
      // `cancel` twice would be refused: the first one took effect.
      expect((await commands.cancel(w.context, 'feeds')).stage).toBe('cancelling');
      expect(await commands.theCampaign(w.context, 'feeds')).toMatchObject({ generation: 2 });
      expect((await commands.theCampaign(w.context, 'feeds')).history).toHaveLength(2);
    }
  });
});
