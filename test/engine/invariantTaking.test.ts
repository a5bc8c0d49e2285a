import { describe, expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { sum } from '../../src/define/invariant.ts';
import { HandoverError } from '../../src/errors.ts';
import { LIMITS } from '../../src/limits.ts';
import { Crash, type Fault, MemoryData, memoryStore, type StoreCall } from '../../src/store/memory.ts';
import { content, type handClock, oldKey, rest, STRIKES, seed, verified, type World, world } from './harness.ts';
import {
  begun,
  broken,
  type Cents,
  migrationOf,
  type Paid,
  paidOf,
  perCurrency,
  perUser,
  sound,
  taken,
  VALUE,
} from './payments.ts';

describe('where the store shows no single moment', () => {
  const capabilities = { snapshotScans: false } as const;
  const total = sum<Paid, Cents>({ name: 'total', value: VALUE, must: 'stay' });

  it('a total that holds in one pass holds, and a break is believed after several', async () => {
    const here = await begun(sound, [perCurrency], { capabilities });
    await rest(here);
    expect(await taken(here)).toMatchObject({ state: 'held', moment: false, passes: 1 });
    const other = await begun(broken, [perCurrency], { capabilities });
    expect(await rest(other)).toMatchObject({ run: 'paused' });
    expect(await taken(other)).toMatchObject({ state: 'broken', moment: false, passes: LIMITS.invariantPasses });
  });

  it('what compares two shapes is believed although its difference grows with every write', async () => {
    const here = await begun(broken, [perCurrency], { capabilities });
    await rest(here);
    const { data } = here.store as ReturnType<typeof memoryStore>;
    let writes = 0;
    const fault = ({ op }: StoreCall): undefined => {
      const held = data.get(oldKey(1));
      if (op === 'scan')
        data.put(oldKey(1), content({ ...paidOf(1), amount: `1.${10 + (++writes % 80)}` }), held!.slot);
    };
    const report = await verified({ ...here, store: memoryStore({ data, capabilities, fault }) });
    expect(report.invariants).toMatchObject({ state: 'broken', passes: LIMITS.invariantPasses });
  });

  it('money that moves ahead of each pass leaves it unsettled, and nothing pauses over that', async () => {
    let moves = true;
    let here: World | undefined;
    let pages = 0;
    // Between the two homes of one record nothing happens; between two pages of a pass a payment grows.
    const fault = ({ op }: StoreCall): undefined => {
      if (!moves || op !== 'scan' || !here) return;
      const { data } = here.store as ReturnType<typeof memoryStore>;
      const held = data.get(oldKey(1));
      if (held) data.put(held.key, content({ ...paidOf(1), amount: `${++pages}.00` }), held.slot);
    };
    here = await begun(sound, [total], { capabilities });
    await rest(here);
    const other = memoryStore({ data: (here.store as ReturnType<typeof memoryStore>).data, capabilities, fault });
    const report = await verified({ ...here, store: other });
    expect(report.invariants).toMatchObject({ state: 'unsettled', passes: LIMITS.invariantPassesMost });
    expect(report.clean).toBe(false);
    moves = false;
  });
});

describe('while they are taken', () => {
  const invariants = [perCurrency, perUser, sum<Paid, Cents>({ name: 'stays', value: VALUE, must: 'stay' })];

  it.each(Object.entries(STRIKES))(
    '%s, wherever it strikes, is nothing that another worker cannot take up',
    async (_, strike) => {
      let reached = true;
      for (let at = 0; reached && at < 25; at++) {
        const data = new MemoryData();
        const here = world({ store: memoryStore({ data }), migration: migrationOf(sound, invariants) });
        await seed(here.store, 3, paidOf);
        await commands.start(here.context, 'feeds');
        reached = false;
        let reads = 0;
        // Only what concerns the totals and the end of the sweep: journeys are struck elsewhere.
        const isTotals = ({ op, keys }: StoreCall) =>
          op === 'atOneMoment' || keys.some(({ path }) => /Invariants|Baseline/.test(path.at(-1)!.kind));
        let within = false;
        const fault = (call: StoreCall): Fault | undefined => {
          within ||= isTotals(call);
          if (!within || reads++ !== at) return undefined;
          reached = true;
          return strike(call);
        };
        const struck = world({ ...here, store: memoryStore({ data, fault }), worker: 'w0' });
        const campaign = await commands.theCampaign(here.context, 'feeds');
        await struck.worker.step(campaign, new AbortController().signal).catch((error: unknown) => {
          if (!(error instanceof Crash) && !(error instanceof HandoverError && error.code === 'store.unknown'))
            throw error;
        });
        // What the struck one holds still, it holds for some time.
        (here.clock as ReturnType<typeof handClock>).advance(LIMITS.longestClaimMs);
        expect((await rest(here)).stage).toBe('copied');
        expect(await taken(here)).toMatchObject({ state: 'held', generation: 1 });
      }
    },
  );

  it('a command in between makes what was found worthless', async () => {
    const data = new MemoryData();
    let inBetween: (() => Promise<unknown>) | undefined;
    const fault = async ({ op }: StoreCall) => {
      if (op !== 'atOneMoment' || !inBetween) return undefined;
      const act = inBetween;
      inBetween = undefined;
      await act();
      return undefined;
    };
    const here = world({ store: memoryStore({ data, fault }), migration: migrationOf(broken, [perCurrency]) });
    await seed(here.store, 4, paidOf);
    await commands.start(here.context, 'feeds');
    inBetween = () => commands.cancel({ ...here.context, store: memoryStore({ data }) }, 'feeds');
    expect(await rest(here)).toMatchObject({ stage: 'cancelled', run: 'running' });
    const { history } = await commands.theCampaign(here.context, 'feeds');
    expect(history.map(({ what }) => what)).toEqual(['start', 'cancel']);
  });

  it('a migration without any makes no call about them', async () => {
    const asked: string[] = [];
    const fault = ({ op, keys }: StoreCall): undefined => {
      asked.push(op, ...keys.map(({ path }) => path.at(-1)!.kind));
    };
    const here = await begun(sound, [], { fault });
    await rest(here);
    await commands.switchOver(here.context, 'feeds');
    await rest(here);
    await commands.complete(here.context, 'feeds');
    await rest(here);
    expect(asked.filter((each) => /atOneMoment|Invariants|Baseline/.test(each))).toEqual([]);
  });
});
