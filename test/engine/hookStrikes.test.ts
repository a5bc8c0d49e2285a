import { describe, expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { AFTER_HOOKS, BEFORE_HOOKS, type HookCall } from '../../src/define/hooks.ts';
import { defineMigration } from '../../src/define/migration.ts';
import { LIMITS } from '../../src/limits.ts';
import { decodeSlot } from '../../src/record/slot.ts';
import { Crash, type Fault, MemoryData, memoryStore, type StoreCall } from '../../src/store/memory.ts';
import { changingRule, rest, STRIKES, seed, timedClock, world } from './harness.ts';

/** What hooks and what hangs on them is kept in. */
const CONCERNED = ['_HandoverHook', '_HandoverCampaign', '_HandoverGroup'];
const concerns = ({ keys, mutations }: StoreCall) =>
  [...keys, ...mutations.map(({ key }) => key)].some(({ kind }) => CONCERNED.includes(kind));

interface Called extends Pick<HookCall, 'idempotencyKey' | 'attempt'> {
  readonly hook: string;
  /** What the store held then: sides at the old home, and owners at the new one. */
  readonly old: number;
  readonly switched: number;
}

interface Struck {
  readonly strike: (call: StoreCall) => Fault | undefined;
  /** Which of the calls that concern hooks. */
  readonly index: number;
  readonly guards: boolean;
  readonly onCall?: (hook: string, context: commands.CommandContext) => Promise<unknown>;
}

/** A way of one record, under one fault. `struck`: whether there was a call to strike. */
async function struckWay(
  { strike, index, guards, onCall }: Struck,
  way: readonly ((context: commands.CommandContext) => Promise<unknown>)[],
) {
  const data = new MemoryData();
  const capabilities = { atomic: 'group', guards } as const;
  const sound = memoryStore({ data, capabilities });
  const clock = timedClock();
  const called: Called[] = [];
  const call = (hook: string) => async (facts: HookCall) => {
    const sides = async (rootKind: string) =>
      (await sound.scan({ namespace: '', kind: 'Feed', rootKind }, 10)).entities.map(({ slot }) => slot);
    const { idempotencyKey, attempt } = facts;
    const owners = (await sides('User')).filter((slot) => decodeSlot(slot!).role === 'owner');
    called.push({ hook, idempotencyKey, attempt, old: (await sides('Feed')).length, switched: owners.length });
    await onCall?.(hook, context);
  };
  const hooks = Object.fromEntries([...BEFORE_HOOKS, ...AFTER_HOOKS, 'onGroupWhole'].map((hook) => [hook, call(hook)]));
  const migration = defineMigration({ name: 'feeds', version: 1, by: 'group', records: [changingRule], hooks });
  const { context } = world({ store: sound, migration, clock });
  await seed(sound, 1);
  let [calls, workers, struck] = [0, 0, false];
  const worker = () => {
    const fault = (about: StoreCall) => {
      if (!concerns(about) || calls++ !== index) return undefined;
      struck = true;
      return strike(about);
    };
    return world({ store: memoryStore({ data, capabilities, fault }), migration, clock, worker: `w${++workers}` });
  };
  let actor = worker();
  for (const step of way) {
    await step(context);
    for (let over = false; !over; ) {
      try {
        await clock.run(rest({ ...actor, context }, 2_000));
        over = true;
      } catch (error) {
        if (!(error instanceof Crash)) throw error;
        actor = worker();
        // Somebody else calls again when the deadline of the dead one has passed.
        await clock.pass(LIMITS.hookMs + LIMITS.hookLateMs);
      }
    }
  }
  return { called, struck, campaign: await commands.theCampaign(context, 'feeds') };
}

/** A sixth of the calls is struck, each kind of fault another one; with `EVERY=1` each. */
const EVERY = process.env['EVERY'] ? 1 : 6;

const start = (context: commands.CommandContext) => commands.start(context, 'feeds');
const switchOver = (context: commands.CommandContext) => commands.switchOver(context, 'feeds');
const complete = (context: commands.CommandContext) => commands.complete(context, 'feeds');

const ORDER = ['afterCopied', 'beforeSwitch', 'onGroupWhole', 'afterSwitched', 'beforeComplete', 'afterCompleted'];

describe.each(Object.entries(STRIKES))('%s around hooks', { timeout: 240_000 }, (name, strike) => {
  const first = Object.keys(STRIKES).indexOf(name) % EVERY;
  it('leaves each called at least once, under one key, at its moment', async () => {
    for (let index = first, struck = true; struck; index += EVERY) {
      const ended = await struckWay({ strike, index, guards: true }, [start, switchOver, complete]);
      struck = ended.struck;
      expect(ended.campaign).toMatchObject({ stage: 'completed', closed: true, run: 'running' });
      const { called } = ended;
      expect([...new Set(called.map(({ hook }) => hook))], `strike ${index}`).toEqual(ORDER);
      expect(new Set(called.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(ORDER.length);
      for (const [i, { hook, attempt, old, switched }] of called.entries()) {
        const before = called.slice(0, i).filter((each) => each.hook === hook);
        expect(attempt).toBeGreaterThan(before.at(-1)?.attempt ?? 0);
        if (hook === 'afterCopied' || hook === 'beforeSwitch') expect(switched).toBe(0);
        else expect(switched).toBe(1);
        if (hook === 'beforeComplete') expect(old).toBe(1);
        if (hook === 'afterCompleted') expect(old).toBe(0);
      }
    }
  });

  it.each([true, false])('never brings back a command that was called off (guards: %s)', async (guards) => {
    for (let index = first, struck = true; struck; index += EVERY) {
      let off = false;
      let callsSince = 0;
      const onCall = async (hook: string, context: commands.CommandContext) => {
        if (hook !== 'beforeSwitch') return;
        if (off) callsSince++;
        off = true;
        await commands.reverse(context, 'feeds');
      };
      const ended = await struckWay({ strike, index, guards, onCall }, [start, switchOver]);
      struck = ended.struck;
      expect(ended.campaign).toMatchObject({ stage: 'home', run: 'running', after: { hook: 'afterHome', done: true } });
      expect([off, callsSince], `strike ${index}`).toEqual([true, 0]);
      expect(ended.called.every(({ switched }) => switched === 0)).toBe(true);
    }
  });
});
