import { describe, expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import type { HookCall, Hooks } from '../../src/define/hooks.ts';
import { defineMigration } from '../../src/define/migration.ts';
import { Worker } from '../../src/engine/worker.ts';
import { LIMITS } from '../../src/limits.ts';
import { decodeSlot } from '../../src/record/slot.ts';
import { Router } from '../../src/router/router.ts';
import { MemoryData, memoryStore, type StoreCall } from '../../src/store/memory.ts';
import {
  all,
  changingRule,
  type Feed,
  gate,
  newKey,
  oldKey,
  rest,
  seed,
  timedClock,
  type World,
  world,
} from './harness.ts';

const N = 3;
type Called = Pick<HookCall, 'idempotencyKey' | 'attempt'> & { readonly hook: string; readonly switched: number };

/** Records whose truth is at the new home. */
async function switchedIn({ store }: Pick<World, 'store'>): Promise<number> {
  const { entities } = await store.scan({ namespace: '', kind: 'Feed', rootKind: 'User' }, 100);
  return entities.filter(({ slot }) => decodeSlot(slot!).role === 'owner').length;
}

const EVERY = [
  'beforeSwitch',
  'beforeComplete',
  'beforeReverse',
  'afterCopied',
  'afterSwitched',
  'afterCompleted',
  'afterHome',
] as const;

/** A world whose hooks write down that they were called, and then do what the test says. */
async function hooked(
  does: Partial<Record<keyof Hooks, (call: HookCall) => Promise<void> | void>> = {},
  options: { by?: 'record' | 'group'; only?: readonly (keyof Hooks)[]; store?: World['store'] } = {},
) {
  const { by = 'record', only = [...EVERY, ...(by === 'group' ? (['onGroupWhole'] as const) : [])] } = options;
  const called: Called[] = [];
  const store = options.store ?? memoryStore({ capabilities: { atomic: 'group' } });
  const hooks = Object.fromEntries(
    only.map((hook) => [
      hook,
      async (call: HookCall) => {
        const { idempotencyKey, attempt } = call;
        called.push({ hook, idempotencyKey, attempt, switched: await switchedIn({ store }) });
        await does[hook]?.(call);
      },
    ]),
  );
  const migration = defineMigration({ name: 'feeds', version: 1, by, records: [changingRule], hooks });
  const clock = timedClock();
  const w = world({ migration, store, clock });
  await seed(store, N);
  return { ...w, clock, called, hooks: () => called.map(({ hook }) => hook), resting: () => clock.run(rest(w)) };
}

const now = ({ context }: World) => commands.theCampaign(context, 'feeds');

/** Reads a record through a router that moves what it reads. */
async function readThrough({ store, clock, migration }: Pick<World, 'store' | 'clock' | 'migration'>): Promise<void> {
  const migrate = { on: 'read', migration } as const;
  const router = new Router<Feed>({ store, rule: migration.records[0]! as never, clock, migrate });
  await router.get({ from: oldKey(1), into: newKey(1) });
}

describe('hooks on a whole journey', () => {
  it('are each called once, in their order, before or after their records', async () => {
    const w = await hooked();
    await commands.start(w.context, 'feeds');
    expect(await w.resting()).toMatchObject({ stage: 'copied', generation: 1 });
    await commands.switchOver(w.context, 'feeds');
    await w.resting();
    await commands.reverse(w.context, 'feeds');
    expect(await w.resting()).toMatchObject({ stage: 'home', targets: [{ target: 'home' }] });
    await commands.switchOver(w.context, 'feeds');
    await w.resting();
    await commands.complete(w.context, 'feeds');
    expect(await w.resting()).toMatchObject({ stage: 'completed', closed: true });
    expect(w.called.map(({ idempotencyKey, attempt, switched }) => [idempotencyKey, attempt, switched])).toEqual([
      ['feeds.1.1.afterCopied', 1, 0],
      ['feeds.1.2.beforeSwitch', 1, 0],
      ['feeds.1.2.afterSwitched', 1, N],
      ['feeds.1.3.beforeReverse', 1, N],
      ['feeds.1.3.afterHome', 1, 0],
      ['feeds.1.4.beforeSwitch', 1, 0],
      ['feeds.1.4.afterSwitched', 1, N],
      ['feeds.1.5.beforeComplete', 1, N],
      ['feeds.1.5.afterCompleted', 1, N],
    ]);
    expect((await all(w.store, 'Feed')).size).toBe(0);
  });

  it('are called for what a command does to records, wherever it starts', async () => {
    const w = await hooked();
    const campaign = await commands.start(w.context, 'feeds', { to: 'completed' });
    expect(campaign).toMatchObject({ stage: 'draft', pending: { hooks: ['beforeSwitch', 'beforeComplete'] } });
    await w.resting();
    expect(w.called.map(({ hook, switched }) => [hook, switched])).toEqual([
      ['beforeSwitch', 0],
      ['beforeComplete', 0],
      ['afterCompleted', N],
    ]);
  });

  it('are not called again when the campaign is looked over, nor for a share that is there already', async () => {
    const w = await hooked();
    await commands.start(w.context, 'feeds');
    await w.resting();
    for (let i = 0; i < 3; i++) {
      await w.clock.pass(LIMITS.restSweepMs);
      await w.clock.run(w.worker.step(await now(w), new AbortController().signal));
      await w.resting();
    }
    expect((await now(w)).sweep).toBeGreaterThan(2);
    expect(w.hooks()).toEqual(['afterCopied']);
    await commands.switchOver(w.context, 'feeds', { share: 50 });
    await w.resting();
    await commands.switchOver(w.context, 'feeds', { share: 50 });
    await w.resting();
    expect(w.hooks()).toEqual(['afterCopied', 'beforeSwitch']);
    // Less than before: some come back.
    await commands.switchOver(w.context, 'feeds', { share: 10 });
    await w.resting();
    expect(w.hooks().at(-1)).toBe('beforeReverse');
  });

  it('a cancelled campaign closes after `afterHome`, and asks nobody before it', async () => {
    const w = await hooked();
    await commands.start(w.context, 'feeds', { to: 'switched' });
    await w.resting();
    await commands.cancel(w.context, 'feeds');
    expect(await w.resting()).toMatchObject({ stage: 'cancelled', closed: true });
    expect(w.hooks()).toEqual(['beforeSwitch', 'afterSwitched', 'afterHome']);
  });
});

describe('before a hook is done', () => {
  it('nobody moves a record, nor does a router that migrates what it reads', async () => {
    const open = gate();
    const w = await hooked({ beforeSwitch: () => open.opened }, { only: ['beforeSwitch'] });
    await commands.start(w.context, 'feeds');
    await w.resting();
    const campaign = await commands.switchOver(w.context, 'feeds');
    expect(campaign).toMatchObject({ stage: 'copied', targets: [{ target: 'copied' }], generation: 1 });
    const working = w.worker.step(campaign, new AbortController().signal);
    await expect.poll(() => w.called.length).toBe(1);
    await readThrough(w);
    expect(await switchedIn(w)).toBe(0);
    open.open();
    await w.clock.run(working);
    await w.resting();
    expect(await switchedIn(w)).toBe(N);
    expect(w.hooks()).toEqual(['beforeSwitch']);
  });

  it('what the command before it has begun does not go on either', async () => {
    const w = await hooked({}, { only: ['beforeReverse'] });
    await commands.start(w.context, 'feeds');
    await w.resting();
    await commands.switchOver(w.context, 'feeds');
    await commands.reverse(w.context, 'feeds');
    await readThrough(w);
    expect(await switchedIn(w)).toBe(0);
    await w.resting();
    expect(w.called).toMatchObject([{ hook: 'beforeReverse', switched: 0 }]);
  });

  it.each([true, false])(
    'a command that comes between a look and a call keeps it from being made (guards: %s)',
    async (guards) => {
      const data = new MemoryData();
      const capabilities = { atomic: 'group', guards } as const;
      let came = false;
      const fault = async ({ mutations }: StoreCall) => {
        if (came || !mutations.some(({ key }) => key.kind === '_HandoverHook')) return undefined;
        came = true;
        await commands.reverse({ ...w.context, store: memoryStore({ data, capabilities }) }, 'feeds');
        return undefined;
      };
      const w = await hooked({}, { only: ['beforeSwitch'], store: memoryStore({ data, capabilities, fault }) });
      await commands.start(w.context, 'feeds');
      await w.resting();
      await commands.switchOver(w.context, 'feeds');
      expect(await w.resting()).toMatchObject({ stage: 'home' });
      expect(came).toBe(true);
      expect(w.called).toEqual([]);
    },
  );

  it('a change of mind calls it off, and the same wish again is another one', async () => {
    const w = await hooked();
    await commands.start(w.context, 'feeds');
    await w.resting();
    await commands.switchOver(w.context, 'feeds');
    await commands.cancel(w.context, 'feeds');
    expect(await now(w)).not.toHaveProperty('pending');
    await w.resting();
    expect(w.hooks()).toEqual(['afterCopied', 'afterHome']);
    const again = await hooked({}, { only: ['beforeSwitch'] });
    await commands.start(again.context, 'feeds');
    await again.resting();
    await commands.switchOver(again.context, 'feeds');
    await commands.switchOver(again.context, 'feeds', { share: 50 });
    expect(await again.resting()).toMatchObject({ generation: 3, targets: [{ below: 50 }, { below: 100 }] });
    expect(again.called.map(({ idempotencyKey }) => idempotencyKey)).toEqual(['feeds.1.3.beforeSwitch']);
  });

  it('a change of mind while it runs keeps the records where they are, whatever becomes of it', async () => {
    const open = gate();
    const w = await hooked({ beforeSwitch: () => open.opened }, { only: ['beforeSwitch'] });
    await commands.start(w.context, 'feeds');
    await w.resting();
    const working = w.worker.step(await commands.switchOver(w.context, 'feeds'), new AbortController().signal);
    await expect.poll(() => w.called.length).toBe(1);
    await commands.reverse(w.context, 'feeds');
    open.open();
    await w.clock.run(working);
    expect(await w.resting()).toMatchObject({ stage: 'home', generation: 3 });
    expect(w.hooks()).toEqual(['beforeSwitch']);
    expect(await switchedIn(w)).toBe(0);
  });

  it('a paused campaign calls nothing', async () => {
    const w = await hooked();
    await commands.start(w.context, 'feeds');
    await w.resting();
    await commands.switchOver(w.context, 'feeds');
    await commands.pause(w.context, 'feeds');
    expect(await w.clock.run(w.worker.step(await now(w), new AbortController().signal))).toBe(false);
    expect(w.hooks()).toEqual(['afterCopied']);
    await commands.resume(w.context, 'feeds');
    expect(await w.resting()).toMatchObject({ stage: 'switched' });
  });
});

describe('a hook that fails', () => {
  it('is called again after growing pauses, with the same key, and then the campaign goes on', async () => {
    const at: number[] = [];
    const w = await hooked({
      beforeSwitch: ({ attempt }) => {
        at.push(w.clock.now());
        if (attempt < 4) throw new Error('not yet');
      },
    });
    await commands.start(w.context, 'feeds');
    await w.resting();
    await commands.switchOver(w.context, 'feeds');
    expect(await w.resting()).toMatchObject({ stage: 'switched' });
    const calls = w.called.filter(({ hook }) => hook === 'beforeSwitch');
    expect(calls.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4]);
    expect(new Set(calls.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1);
    const pauses = at.slice(1).map((each, i) => each - at[i]!);
    for (const [i, pause] of pauses.entries()) expect(pause).toBeGreaterThanOrEqual(LIMITS.hookPauseMs * 2 ** i);
  });

  it.each(['beforeSwitch', 'afterCopied', 'onGroupWhole', 'afterCompleted'] as const)(
    '%s pauses the campaign after too many attempts; `resume` begins them anew',
    async (hook) => {
      let broken = true;
      const fails = () => {
        if (broken) throw new Error('the door is shut');
      };
      const w = await hooked({ [hook]: fails }, { by: hook === 'onGroupWhole' ? 'group' : 'record', only: [hook] });
      await commands.start(w.context, 'feeds', { to: hook === 'afterCopied' ? 'copied' : 'completed' });
      const campaign = await w.resting();
      expect(campaign).toMatchObject({ run: 'paused', closed: false, hookRound: 1 });
      expect(campaign.pausedBecause).toMatch(
        new RegExp(`^hook ${hook} \\(.*\\) failed in attempt 8: the door is shut$`),
      );
      expect(campaign.history.at(-1)).toMatchObject({ what: 'pause', by: 'w1', from: { way: 'worker' } });
      const before = w.called.length;
      await commands.resume(w.context, 'feeds');
      expect(await w.resting()).toMatchObject({ run: 'paused', hookRound: 2 });
      expect(w.called.length - before).toBeGreaterThanOrEqual(LIMITS.hookAttempts);
      broken = false;
      await commands.resume(w.context, 'feeds');
      const stage = hook === 'afterCopied' ? 'copied' : 'completed';
      expect(await w.resting()).toMatchObject({ stage, closed: stage === 'completed', run: 'running' });
    },
  );

  it('that hangs is told to end at its deadline, and is called again', async () => {
    const aborted: unknown[] = [];
    const w = await hooked(
      {
        beforeSwitch: ({ attempt, signal }) =>
          attempt > 1
            ? undefined
            : new Promise<void>(() => signal.addEventListener('abort', () => aborted.push(signal.reason))),
      },
      { only: ['beforeSwitch'] },
    );
    await commands.start(w.context, 'feeds', { to: 'switched' });
    expect(await w.resting()).toMatchObject({ stage: 'switched' });
    expect(w.called.map(({ attempt }) => attempt)).toEqual([1, 2]);
    expect(String(aborted[0])).toContain('longer than 60 seconds');
  });
});

it('what goes on waits for the hook of where it is; what comes back does not', async () => {
  const w = await hooked({
    afterCopied: () => {
      throw new Error('not yet');
    },
  });
  await commands.start(w.context, 'feeds');
  await w.resting();
  await commands.resume(w.context, 'feeds');
  await expect(commands.switchOver(w.context, 'feeds')).rejects.toThrow('hook afterCopied is not done');
  await commands.reverse(w.context, 'feeds');
  expect(await w.resting()).toMatchObject({ stage: 'home' });
});

it('of two workers one calls, and each hook is called once', async () => {
  let told = 0;
  const slowly = () => w.clock.sleep(3_000);
  const does = {
    beforeSwitch: slowly,
    onGroupWhole: async () => {
      await slowly();
      told++;
    },
    // Nothing settles before every group's hook is done.
    afterSwitched: () => expect(told).toBe(N),
  };
  const w = await hooked(does, { by: 'group' });
  const ended = new AbortController();
  const workers = ['w1', 'w2', 'w3'].map((id) =>
    new Worker({ store: w.store, migrations: [w.migration], clock: w.clock, id }).run(ended.signal),
  );
  const until = async (stage: string) => {
    while ((await now(w)).stage !== stage || (await now(w)).after?.done !== true) await w.clock.pass(50);
  };
  await commands.start(w.context, 'feeds');
  await until('copied');
  await commands.switchOver(w.context, 'feeds');
  await until('switched');
  await commands.complete(w.context, 'feeds');
  await until('completed');
  ended.abort();
  await w.clock.run(Promise.all(workers));
  const keys = w.called.map(({ idempotencyKey }) => idempotencyKey);
  expect(new Set(keys).size).toBe(keys.length);
  expect(keys.filter((key) => key.endsWith('.whole.1'))).toHaveLength(N);
});
