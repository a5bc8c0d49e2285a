import { entity } from '../../src/define/entity.ts';
import { defineMigration } from '../../src/define/migration.ts';
import { parts } from '../../src/define/parts.ts';
import { type Key, key } from '../../src/record/key.ts';
import { type PlainRecord, toPlain } from '../../src/record/plain.ts';
import type { Store } from '../../src/store/store.ts';
import { content } from './harness.ts';

export interface Item {
  id: number;
  plan: string;
  cents: number;
}

export interface Subscription {
  customer: number;
  plan: string;
  price: { cents: number };
}

/** Both shapes have an id when they are inside. */
const subscriptions = parts<{ id: number }>({ of: 'Customer', property: 'subscriptions', id: ({ id }) => id });

export const splitRule = entity<Item, Subscription>({
  from: subscriptions,
  into: 'Subscription',
  to: (_, old) => key('Subscription', old.id),
  forward: ({ plan, cents }, old) => ({ customer: Number(old.parent!.id), plan, price: { cents } }),
  backward: ({ plan, price }, old) => ({ id: Number(old.id), plan, cents: price.cents }),
});
export const split = defineMigration({ name: 'split', version: 1, records: [splitRule] });

export const mergeRule = entity<Subscription, Item>({
  from: 'Subscription',
  into: subscriptions,
  to: ({ customer }, old) => key('Customer', customer, 'subscriptions', old.id),
  forward: ({ plan, price }, old) => ({ id: Number(old.id), plan, cents: price.cents }),
  backward: ({ plan, cents }, old) => ({ customer: 1 + ((Number(old.id) - 1) % 40), plan, price: { cents } }),
});
export const merge = defineMigration({ name: 'merge', version: 1, records: [mergeRule] });

/** Subscription n is of customer 1 + (n - 1) % customers. */
export const itemOf = (n: number): Item => ({ id: n, plan: `plan ${n % 3}`, cents: 100 + n });
export const subscriptionOf = (n: number, customers: number): Subscription => {
  const { plan, cents } = itemOf(n);
  return { customer: 1 + ((n - 1) % customers), plan, price: { cents } };
};

export const partKey = (n: number, customers: number): Key =>
  key('Customer', 1 + ((n - 1) % customers), 'subscriptions', n);

/** Customers with their subscriptions inside, or (`empty`) without, and those as records of their own. */
export async function seedCustomers(store: Store, customers: number, count: number, where: 'inside' | 'outside') {
  for (let id = 1; id <= customers; id++) {
    const own = Array.from({ length: count }, (_, i) => i + 1).filter((n) => 1 + ((n - 1) % customers) === id);
    const items = where === 'inside' ? { subscriptions: own.map(itemOf) } : {};
    await store.overwrite([{ key: key('Customer', id), content: content({ name: `customer ${id}`, ...items }) }]);
    if (where === 'inside') continue;
    await store.overwrite(
      own.map((n) => ({ key: key('Subscription', n), content: content(subscriptionOf(n, customers)) })),
    );
  }
}

export async function customer(store: Store, id: number): Promise<PlainRecord> {
  const [found] = await store.read([key('Customer', id)]);
  return toPlain(found!.content.properties);
}

/** As code that knows nothing of any migration does: loads, changes, and saves all of it. */
export async function saveRaw(store: Store, id: number, change: (record: PlainRecord) => object): Promise<void> {
  await store.overwrite([{ key: key('Customer', id), content: content(change(await customer(store, id))) }]);
}
