import { setTimeout as sleep } from 'node:timers/promises';
import type { Shop } from './shop.ts';

/** After each round of a hand. An emulator takes long over each request, and has a migration to serve as well. */
const PAUSE_MS = process.env['DATASTORE_EMULATOR_HOST'] ? 100 : 2;

/** The application's users: each has customers of its own, knows what they subscribed to, and looks whether it is so. */
export class Users {
  readonly #shop: Shop;
  /** By customer, by subscription: its price in cents. */
  readonly known: Map<number, Map<number, number>>;
  readonly counts = { listed: 0, changed: 0, ended: 0, appended: 0 };
  readonly wrong: string[] = [];
  /** Whether instances of the old code still run. */
  oldCode = true;

  constructor(shop: Shop, known: Map<number, Map<number, number>>) {
    this.#shop = shop;
    this.known = known;
  }

  async live(signal: AbortSignal, hands: number): Promise<void> {
    await Promise.all(Array.from({ length: hands }, (_, hand) => this.#hand(hand, hands, signal)));
  }

  async #hand(hand: number, hands: number, signal: AbortSignal): Promise<void> {
    const own = [...this.known.keys()].filter((id) => id % hands === hand);
    for (let n = 0; !signal.aborted; n++) {
      const customer = own[(n * 7919) % own.length]!;
      await this.#act(customer, n);
      await this.#look(customer);
      await sleep(PAUSE_MS);
    }
  }

  async #act(customer: number, n: number): Promise<void> {
    const all = this.known.get(customer)!;
    const ids = [...all.keys()];
    const id = ids[n % Math.max(1, ids.length)];
    if (this.oldCode && n % 5 === 0) {
      const next = customer * 1000 + this.counts.appended + 100;
      await this.#shop.subscribeAsEver(customer, next, n + 1);
      all.set(next, n + 1);
      this.counts.appended++;
    } else if (id !== undefined && n % 11 === 1 && ids.length > 1) {
      if (!(await this.#shop.end(customer, id))) this.wrong.push(`${id} of ${customer} was not there to be ended`);
      all.delete(id);
      this.counts.ended++;
    } else if (id !== undefined) {
      if (!(await this.#shop.setPrice(customer, id, n + 1))) this.wrong.push(`${id} of ${customer} was not there`);
      all.set(id, n + 1);
      this.counts.changed++;
    }
  }

  async #look(customer: number): Promise<void> {
    const wanted = [...this.known.get(customer)!].sort(([a], [b]) => a - b);
    const found = (await this.#shop.subscriptionsOf(customer)).map(([id, { cents }]) => [id, cents]);
    this.counts.listed++;
    if (JSON.stringify(found) !== JSON.stringify(wanted))
      this.wrong.push(`customer ${customer} has ${JSON.stringify(found)}, and should have ${JSON.stringify(wanted)}`);
  }
}
