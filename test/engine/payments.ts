import * as commands from '../../src/admin/commands.ts';
import { type EntityDefinition, entity } from '../../src/define/entity.ts';
import { count, type Invariant, sum } from '../../src/define/invariant.ts';
import { defineMigration } from '../../src/define/migration.ts';
import { lastTaking } from '../../src/engine/invariants.ts';
import { key } from '../../src/record/key.ts';
import { memoryStore, type StoreCall } from '../../src/store/memory.ts';
import type { Capabilities } from '../../src/store/store.ts';
import { seed, type World, world } from './harness.ts';

export interface Paid {
  user: string;
  currency: string;
  amount: string;
}
export interface Cents {
  user: string;
  currency: string;
  cents: number;
}

export const centsOf = (amount: string) => Math.round(Number(amount) * 100);
export const PAYMENTS: EntityDefinition<Paid, Cents> = {
  from: 'Feed',
  into: 'User/Feed',
  to: ({ user }, old) => key('User', user, 'Feed', old.id),
  forward: ({ user, currency, amount }) => ({ user, currency, cents: centsOf(amount) }),
  backward: ({ user, currency, cents }) => ({ user, currency, amount: (cents / 100).toFixed(2) }),
};
export const sound = entity(PAYMENTS);
/** Cents are cut off. */
export const broken = entity<Paid, Cents>({
  ...PAYMENTS,
  forward: ({ user, currency, amount }) => ({ user, currency, cents: Math.trunc(Number(amount)) * 100 }),
});
export const VALUE = { old: ({ amount }: Paid) => centsOf(amount), new: ({ cents }: Cents) => cents };
export const perCurrency = sum<Paid, Cents>({
  name: 'cents per currency',
  value: VALUE,
  by: ({ currency }) => currency,
});
export const perUser = count<Paid, Cents>({ name: 'payments per user', by: ({ user }) => user });

export const paidOf = (n: number): Paid => ({
  user: `u${n % 3}`,
  currency: n % 2 ? 'EUR' : 'USD',
  amount: (n + 0.25).toFixed(2),
});

export const migrationOf = (rule: typeof sound, invariants: readonly Invariant[], by: 'record' | 'group' = 'record') =>
  defineMigration({ name: 'feeds', version: 1, by, records: [rule], invariants });

/** A campaign that was started and has not moved a record yet. */
export async function begun(
  rule: typeof sound,
  invariants: readonly Invariant[],
  {
    n = 10,
    capabilities = {},
    by = 'record',
    of = paidOf,
    fault,
  }: {
    n?: number;
    capabilities?: Partial<Capabilities>;
    by?: 'record' | 'group';
    of?: (n: number) => object;
    fault?: (call: StoreCall) => undefined;
  } = {},
): Promise<World> {
  const store = memoryStore({ capabilities, ...(fault ? { fault } : {}) });
  const here = world({ store, migration: migrationOf(rule, invariants, by) });
  await seed(here.store, n, of);
  await commands.start(here.context, 'feeds');
  return here;
}

export const taken = async (here: World) =>
  (await lastTaking(here.store, await commands.theCampaign(here.context, 'feeds')))!;
export const result = async (here: World, name: string) =>
  (await taken(here)).results.find((one) => one.name === name)!;
