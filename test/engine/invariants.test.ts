import { describe, expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { entity } from '../../src/define/entity.ts';
import { count, fold, type Invariant, sum } from '../../src/define/invariant.ts';
import { defineMigration } from '../../src/define/migration.ts';
import { Worker } from '../../src/engine/worker.ts';
import { LIMITS } from '../../src/limits.ts';
import { key } from '../../src/record/key.ts';
import { Crash, MemoryData, memoryStore } from '../../src/store/memory.ts';
import { content, type handClock, oldKey, rest, seed, timedClock, verified, world } from './harness.ts';
import {
  begun,
  broken,
  type Cents,
  centsOf,
  migrationOf,
  PAYMENTS,
  type Paid,
  paidOf,
  perCurrency,
  perUser,
  result,
  sound,
  taken,
  VALUE,
} from './payments.ts';

describe.each(['record', 'group'] as const)('invariants by %s', (by) => {
  it('hold on a whole journey, taken at each stage where records rest', async () => {
    const here = await begun(sound, [perCurrency, perUser], { by });
    expect((await rest(here)).stage).toBe('copied');
    expect(await taken(here)).toMatchObject({ state: 'held', moment: true, passes: 1, stage: 'copying' });
    expect(await result(here, 'cents per currency')).toMatchObject({ records: 10, groups: 2, uncompared: 0 });
    expect(await result(here, 'payments per user')).toMatchObject({ records: 10, groups: 3 });
    await commands.switchOver(here.context, 'feeds');
    expect((await rest(here)).stage).toBe('switched');
    expect(await taken(here)).toMatchObject({ state: 'held', stage: 'switching' });
    expect(await result(here, 'cents per currency')).toMatchObject({ records: 10, uncompared: 0 });
    await commands.complete(here.context, 'feeds');
    expect((await rest(here)).stage).toBe('completed');
    expect(await taken(here)).toMatchObject({ state: 'held', stage: 'completing' });
    expect((await verified(here)).invariants).toMatchObject({ state: 'held', by: 'verify' });
  });
});

it('are taken by one of several workers that end a sweep together, and by another when that one dies over it', async () => {
  for (const dies of [false, true]) {
    let looked = 0;
    const counted = sum<Paid, Cents>({
      name: 'cents',
      value: {
        ...VALUE,
        old: (paid) => {
          looked++;
          return VALUE.old(paid);
        },
      },
      must: 'stay',
    });
    const migration = migrationOf(sound, [counted]);
    const clock = timedClock();
    const data = new MemoryData();
    const opened = (worker: string) =>
      memoryStore({
        data,
        fault: async () => {
          await clock.sleep(20);
          return dies && worker === 'w0' && looked > 0 ? { kind: 'crash', when: 'before' } : undefined;
        },
      });
    await seed(memoryStore({ data }), 10, paidOf);
    const context = { store: memoryStore({ data }), migrations: [migration], clock, by: 'ann' };
    const campaign = await commands.start(context, 'feeds');
    const [first, ...others] = ['w0', 'w1', 'w2'].map((id) => new Worker({ ...context, store: opened(id), id }));
    const stop = new AbortController();
    const working = [first!, ...others].map((worker, i) =>
      (i > 0 ? clock.sleep(5) : Promise.resolve())
        .then(() => worker.run(stop.signal))
        .catch((error) => expect(error).toBeInstanceOf(Crash)),
    );
    await clock.pass(30_000);
    stop.abort();
    await clock.run(Promise.all(working));
    expect(await commands.theCampaign(context, 'feeds')).toMatchObject({ id: campaign.id, stage: 'copied' });
    // What it began with, and one look at the end of the sweep.
    expect(looked).toBe(dies ? 30 : 20);
  }
});

describe('a broken transform', () => {
  it('pauses the campaign when all is copied, says where, and keeps the gate to the switch shut', async () => {
    const here = await begun(broken, [perUser, perCurrency]);
    const campaign = await rest(here);
    expect(campaign).toMatchObject({ stage: 'copying', run: 'paused', switchGateOpen: false });
    // Five payments of each currency, 25 cents of each lost.
    expect(campaign.pausedBecause).toBe(
      'invariant "cents per currency" is broken: EUR: 2500 where 2625 is expected, and 1 more',
    );
    expect(campaign.history.at(-1)).toMatchObject({ what: 'pause', by: 'w1', from: { way: 'worker' } });
    expect(await result(here, 'payments per user')).toMatchObject({ state: 'held' });
    await expect(commands.switchOver(here.context, 'feeds')).rejects.toMatchObject({ code: 'campaign.refused' });
    const report = await verified(here);
    expect(report.clean).toBe(false);
    expect(report.invariants!.results[1]).toMatchObject({ state: 'broken', differing: 2 });
  });

  it('pauses it again when it is resumed with nothing corrected', async () => {
    const here = await begun(broken, [perCurrency]);
    await rest(here);
    await commands.resume(here.context, 'feeds');
    expect(await rest(here)).toMatchObject({ run: 'paused', stage: 'copying' });
    expect((await commands.theCampaign(here.context, 'feeds')).history.map(({ what }) => what)).toEqual([
      'start',
      'pause',
      'resume',
      'pause',
    ]);
  });

  it('is found after the switch by what stands frozen at the old home, and holds up `complete`', async () => {
    const here = world({ migration: migrationOf(broken, [perCurrency]) });
    await seed(here.store, 4, paidOf);
    await commands.start(here.context, 'feeds', { to: 'switched' });
    expect(await rest(here)).toMatchObject({ run: 'paused', stage: 'switching' });
    await expect(commands.complete(here.context, 'feeds')).rejects.toMatchObject({ code: 'campaign.refused' });
  });

  it('holds nobody up on the way home', async () => {
    const here = await begun(broken, [perCurrency]);
    await rest(here);
    await commands.cancel(here.context, 'feeds');
    await commands.resume(here.context, 'feeds');
    expect(await rest(here)).toMatchObject({ closed: true, stage: 'cancelled' });
  });

  it('cannot be started straight for an end in which nothing is left to compare', async () => {
    const here = world({ migration: migrationOf(broken, [perCurrency]) });
    const early = commands.start(here.context, 'feeds', { to: 'completed' });
    await expect(early).rejects.toMatchObject({ code: 'invariant.early' });
  });
});

describe('what must be of all records', () => {
  const balanced = (n: number): Paid => ({ ...paidOf(n), amount: n % 4 < 2 ? '12.34' : '-12.34' });
  const zero = sum<Paid, Cents>({
    name: 'zero',
    value: VALUE,
    by: ({ currency }) => currency,
    must: { equals: 0 },
  });
  const stays = sum<Paid, Cents>({ name: 'stays', value: VALUE, by: ({ currency }) => currency, must: 'stay' });

  it('is compared with a constant, through writes that keep it', async () => {
    const here = await begun(sound, [zero], { n: 8, of: balanced });
    expect(await rest(here)).toMatchObject({ stage: 'copied' });
    // One payment of a currency is raised, and is found.
    const address = { from: oldKey(1), into: key('User', 'u1', 'Feed', 1) };
    await here.router.update(address, (payment) => ({ ...payment, cents: 1235 }) as never);
    await commands.switchOver(here.context, 'feeds');
    const campaign = await rest(here);
    expect(campaign).toMatchObject({ run: 'paused', stage: 'switching' });
    expect(campaign.pausedBecause).toContain('"zero" is broken: EUR: 1 where 0 is expected');
    // Corrected, and resumed: taken anew.
    await here.router.update(address, (payment) => ({ ...payment, cents: 1234 }) as never);
    await commands.resume(here.context, 'feeds');
    expect(await rest(here)).toMatchObject({ stage: 'switched', run: 'running' });
  });

  it('is compared with what the campaign began with', async () => {
    const here = await begun(sound, [stays]);
    expect(await rest(here)).toMatchObject({ stage: 'copied' });
    const [first] = await here.store.read([oldKey(3)]);
    await here.store.commit([{ op: 'delete', key: oldKey(3), version: first!.version }]);
    await commands.switchOver(here.context, 'feeds');
    const campaign = await rest(here);
    expect(campaign.pausedBecause).toContain('"stays" is broken: EUR: 2300 where 2625 is expected');
    expect(await result(here, 'stays')).toMatchObject({ state: 'broken', records: 9, groups: 2 });
  });

  it('once broken while all rests copied keeps shut the gate that was open', async () => {
    const here = await begun(sound, [stays]);
    expect(await rest(here)).toMatchObject({ stage: 'copied', switchGateOpen: true });
    const { data } = here.store as ReturnType<typeof memoryStore>;
    data.remove(oldKey(3));
    (here.clock as ReturnType<typeof handClock>).advance(LIMITS.restSweepMs + 1);
    await here.worker.step(await commands.theCampaign(here.context, 'feeds'), new AbortController().signal);
    expect(await rest(here)).toMatchObject({ stage: 'copied', run: 'paused' });
    await expect(commands.switchOver(here.context, 'feeds')).rejects.toMatchObject({ code: 'invariant.broken' });
  });

  it('once broken at rest refuses to complete', async () => {
    const here = await begun(sound, [stays]);
    await rest(here);
    await commands.switchOver(here.context, 'feeds');
    expect(await rest(here)).toMatchObject({ stage: 'switched' });
    const at = key('User', 'u0', 'Feed', 3);
    const [found] = await here.store.read([at]);
    const less = content({ user: 'u0', currency: 'EUR', cents: 1 });
    await here.store.commit([{ op: 'update', key: at, version: found!.version, content: less, slot: found!.slot }]);
    // The next look at a campaign that rests.
    const clock = here.clock as ReturnType<typeof handClock>;
    clock.advance(LIMITS.restSweepMs + 1);
    await here.worker.step(await commands.theCampaign(here.context, 'feeds'), new AbortController().signal);
    expect(await rest(here)).toMatchObject({ stage: 'switched', run: 'paused' });
    await expect(commands.complete(here.context, 'feeds')).rejects.toMatchObject({ code: 'invariant.broken' });
  });
});

describe('a fold', () => {
  const largest = fold<{ most: number }, Paid, Cents>({
    name: 'largest',
    start: { most: 0 },
    add: {
      old: ({ most }, { amount }) => ({ most: Math.max(most, centsOf(amount)) }),
      new: ({ most }, { cents }) => ({ most: Math.max(most, cents) }),
    },
    merge: (a, b) => ({ most: Math.max(a.most, b.most) }),
  });

  it('compares totals of any kind, by their JSON', async () => {
    expect(await rest(await begun(sound, [largest]))).toMatchObject({ stage: 'copied' });
    const here = await begun(broken, [largest]);
    expect((await rest(here)).pausedBecause).toContain('{"most":1000} where {"most":1025} is expected');
  });
});

describe('what cannot be computed', () => {
  it.each<[string, Invariant, string]>([
    [
      'a sum of decimals',
      sum<Paid, Cents>({ name: 'i', value: { old: ({ amount }) => Number(amount), new: ({ cents }) => cents } }),
      'invariant.uncomputed: Feed:1: 1.25 is no whole number',
    ],
    [
      'a measure that throws',
      sum<Paid, Cents>({
        name: 'i',
        value: () => {
          throw new Error('no rate for it');
        },
      }),
      'invariant.uncomputed: Feed:1: no rate for it',
    ],
    [
      'a group that is no text',
      count<Paid, Cents>({ name: 'i', by: () => 7 as never }),
      'invariant.uncomputed: Feed:1: `by` gave number',
    ],
  ])('%s is broken, with the key of the record', async (_, invariant, why) => {
    const here = await begun(sound, [invariant]);
    expect((await rest(here)).pausedBecause).toContain(why);
  });

  it('records that cannot be transformed are left out, and counted', async () => {
    const picky = entity<Paid, Cents>({
      ...PAYMENTS,
      forward: (paid, old) => {
        if (Number(old.id) === 4) throw new Error('not this one');
        return PAYMENTS.forward!(paid, old);
      },
    });
    const here = await begun(picky, [perUser]);
    expect(await rest(here)).toMatchObject({ stage: 'copied' });
    expect(await result(here, 'payments per user')).toMatchObject({ records: 9, uncompared: 1, state: 'held' });
  });
});

describe('the definition', () => {
  it('has another fingerprint with other invariants, and the one it had without any', () => {
    const of = (...invariants: Invariant[]) => migrationOf(sound, invariants).fingerprint;
    const plain = defineMigration({ name: 'feeds', version: 1, records: [sound] }).fingerprint;
    expect(of()).toBe(plain);
    const all = [plain, of(perUser), of(perCurrency), of(perUser, perCurrency)];
    all.push(of(count<Paid, Cents>({ name: 'payments per user', by: ({ user }) => user, must: 'stay' })));
    all.push(of(count<Paid, Cents>({ name: 'payments per user', by: ({ user }) => user, of: sound })));
    expect(new Set(all).size).toBe(all.length);
    expect(of(perUser)).toBe(of(count<Paid, Cents>({ name: 'payments per user', by: ({ user }) => user })));
  });

  it.each<[string, () => unknown, string]>([
    ['a name twice', () => migrationOf(sound, [perUser, perUser]), 'two invariants are named'],
    ['a rule of another migration', () => migrationOf(sound, [count({ name: 'x', of: broken })]), 'is not among its'],
    ['no function', () => sum({ name: 'x', value: 7 as never }), '`value` must be a function'],
    ['a misspelt option', () => count({ name: 'x', per: 1 } as never), 'no option "per"'],
    ['a wish that is none', () => count({ name: 'x', must: 'hold' as never }), "`must` is 'match'"],
    ['what is no invariant', () => migrationOf(sound, [{ name: 'x' } as never]), 'made by `sum`, `count` or `fold`'],
  ])('is refused with %s', (_, make, why) => {
    expect(make).toThrow(why);
  });
});
