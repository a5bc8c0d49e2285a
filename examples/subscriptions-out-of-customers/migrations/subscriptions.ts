import { defineMigration, entity, key, parts, type Timestamp } from 'handover';

/** As it stands in the customer's array. */
export interface Item {
  id: number;
  plan: string;
  price: number;
  since: Timestamp;
}

/** As a record of its own, below its customer: the id is its key's. */
export interface Subscription {
  plan: string;
  cents: number;
  since: Timestamp;
}

export const subscriptions = entity<Item, Subscription>({
  from: parts<Item>({ of: 'Customer', property: 'subscriptions', id: ({ id }) => id }),
  into: 'Customer/Subscription',
  to: (_, old) => key(old.parent!, 'Subscription', old.id as bigint),
  forward: ({ plan, price, since }) => ({ plan, cents: Math.round(price * 100), since }),
  backward: ({ plan, cents, since }, old) => ({ id: Number(old.id), plan, price: cents / 100, since }),
});

export default defineMigration({ name: 'subscriptions', version: 1, records: [subscriptions] });
