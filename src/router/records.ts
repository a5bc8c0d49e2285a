import { Content } from '../record/content.ts';
import type { Key } from '../record/key.ts';
import { fromPlain, toPlain } from '../record/plain.ts';
import type { Address } from './address.ts';
import { Change, type Ending, type Wish } from './change.ts';
import { type Care, isCertain, type Look, look, lookMany, type Tools, truthOf } from './look.ts';
import { reshape, type Shape, seenAs } from './shape.ts';
import { addressesWithin, type Outside, type Part } from './within.ts';

/** What happens beside a call: comparing copies, moving records on. It never fails the call. */
export interface Aside {
  afterRead(found: Look): Promise<void>;
  afterWrite(keys: Look['keys']): Promise<void>;
}

/**
 * Records of one rule in one shape, wherever they are just now. Nothing is cached, and each call is about one record: it
 * takes effect at one moment between the call and its answer.
 */
export class Records<R extends object, A = Address> {
  readonly #tools: Tools;
  readonly #shape: Shape;
  readonly #addressOf: (given: A) => Address;
  readonly #aside: Aside;

  protected constructor(tools: Tools, shape: Shape, addressOf: (given: A) => Address, aside: Aside) {
    this.#tools = tools;
    this.#shape = shape;
    this.#addressOf = addressOf;
    this.#aside = aside;
  }

  /** The record, or undefined when there is none: what was the truth at some moment during the call (P3). */
  async get(address: A): Promise<R | undefined> {
    return this.#get(this.#addressOf(address));
  }

  async #get(at: Address): Promise<R | undefined> {
    const glance = await look(at, this.#tools, 'glance');
    const found = isCertain(glance) ? glance : await look(at, this.#tools, 'moment');
    const record = this.#recordIn(found);
    await this.#aside.afterRead(found);
    return record;
  }

  /** As many `get`s, in their order: each is true for itself. Addresses with both keys share their round trips. */
  async getMany(addresses: readonly A[]): Promise<(R | undefined)[]> {
    return this.#getMany(addresses.map(this.#addressOf));
  }

  /**
   * All records of this rule that are kept inside this one, or were, or are to be, each once, wherever it is: those inside, and
   * those outside that `outside` finds. By the key inside. Each is as of a moment of its own; one that exists for as long
   * as the call takes is among them, unless the store's scans lag. Throws `record.contended` where the container kept changing.
   */
  async within(container: Key, outside: Outside): Promise<readonly Part<R>[]> {
    const addresses = await addressesWithin(container, outside, this.#tools);
    const records = await this.#getMany(addresses);
    return addresses.flatMap((address, i) => (records[i] ? [{ address, record: records[i] }] : []));
  }

  async #getMany(given: readonly Address[]): Promise<(R | undefined)[]> {
    const glances = await lookMany(given, this.#tools);
    return Promise.all(
      glances.map(async (found, i) => {
        if (!found || !isCertain(found)) return this.#get(given[i]!);
        const record = this.#recordIn(found);
        await this.#aside.afterRead(found);
        return record;
      }),
    );
  }

  /**
   * Replaces the record by what `change` makes of it; `change` is called again when somebody else was faster. Resolves
   * with what was written, or undefined when there is no record.
   */
  async update(address: A, change: (record: R) => R): Promise<R | undefined> {
    const { done, record } = await this.#write(this.#addressOf(address), (now) =>
      now ? { write: change(now) } : 'leave',
    );
    return done ? record : undefined;
  }

  /** Writes the record, whether there is one or not. Resolves with what was written. */
  async put(address: A, record: R): Promise<R> {
    const written = await this.#write(this.#placed(address, record), () => ({ write: record }));
    return written.record!;
  }

  /** Makes a record where there is none. False when there is one: it is left as it is. */
  async insert(address: A, record: R): Promise<boolean> {
    const decide = (now: R | undefined) => (now ? ('leave' as const) : { write: record });
    return (await this.#write(this.#placed(address, record), decide, 'moment')).done;
  }

  /** Deletes the record. True when this call did; false when there was none. */
  async delete(address: A): Promise<boolean> {
    return (await this.#write(this.#addressOf(address), () => 'delete', 'moment')).done;
  }

  /** `care`: of the first look. An insert and a delete need both sides at one moment in any case. */
  async #write(address: Address, decide: (now: R | undefined) => Wish<R>, care: Care = 'glance'): Promise<Ending<R>> {
    const ending = await new Change(this.#tools, address, this.#shape, decide, care).run();
    if (ending.done) await this.#aside.afterWrite(ending.keys);
    return ending;
  }

  #recordIn(found: Look): R | undefined {
    const truth = truthOf(found);
    return truth && (toPlain(seenAs(found, truth.held.content, truth.at, this.#shape).properties) as R);
  }

  /** With the new key that the record itself has, where only the old one is given: there may be no other to ask. */
  #placed(address: A, record: R): Address {
    const given = this.#addressOf(address);
    if (!given.from || given.into) return given;
    const { rule } = this.#tools;
    const content = reshape({ rule, keys: { S: given.from } }, Content.of(fromPlain(record)), this.#shape, 'old');
    return { from: given.from, into: rule.targetOf(given.from, content) };
  }
}
