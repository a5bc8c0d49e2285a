import { Content, fromPlain, type Key, key, type PlainRecord, Router, type Store, Timestamp, toPlain } from 'handover';
import { type Subscription, subscriptions } from '../migrations/subscriptions.ts';

export const customerKey = (id: number): Key => key('Customer', id);

/** What the customer's record says besides its subscriptions. */
export const customerOf = (id: number) => ({ name: `customer ${id}`, tags: [`t${id % 3}`], vip: id % 10 === 0 });

export const itemOf = (id: number, cents: number) => ({
  id,
  plan: `plan ${id % 4}`,
  price: cents / 100,
  since: Timestamp.of(BigInt(1_700_000_000 + id), 0),
});

/** What the application needs of subscriptions, wherever they are. */
export class Shop {
  readonly #store: Store;
  readonly #router: Router<Subscription>;

  constructor(store: Store) {
    this.#store = store;
    this.#router = new Router<Subscription>({ store, rule: subscriptions });
  }

  /** All of one customer, in the new shape, by their ids. */
  async subscriptionsOf(customer: number): Promise<[number, Subscription][]> {
    const at = customerKey(customer);
    const range = { namespace: '', kind: 'Subscription', rootKind: 'Customer', root: at };
    const found = await this.#router.within(at, { range });
    return found.map(({ address, record }) => [Number(address.into.id), record]);
  }

  /** False where there is none. */
  async setPrice(customer: number, id: number, cents: number): Promise<boolean> {
    const from = key('Customer', customer, 'subscriptions', id);
    const into = key('Customer', customer, 'Subscription', id);
    return (await this.#router.update({ from, into }, (record) => ({ ...record, cents }))) !== undefined;
  }

  async end(customer: number, id: number): Promise<boolean> {
    const from = key('Customer', customer, 'subscriptions', id);
    const into = key('Customer', customer, 'Subscription', id);
    return this.#router.delete({ from, into });
  }

  /** The code of years, which nobody told of anything: loads the customer, appends to the array, saves. */
  async subscribeAsEver(customer: number, id: number, cents: number): Promise<void> {
    for (;;) {
      const [found] = await this.#store.read([customerKey(customer)]);
      const { key: at, version, slot, content } = found!;
      const record = toPlain(content.properties);
      const items = (record['subscriptions'] ?? []) as PlainRecord[];
      const changed = { ...record, subscriptions: [...items, itemOf(id, cents)] };
      const next = Content.of(fromPlain(changed, content.properties));
      const [outcome] = await this.#store.commit([{ op: 'update', key: at, version, content: next, slot }]);
      if (outcome!.status === 'applied') return;
      if (outcome!.status === 'refused' || outcome!.status === 'unknown')
        throw new Error(`Not saved: ${outcome!.cause}`);
    }
  }
}
