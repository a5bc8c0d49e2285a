import type { Side } from '../../machines/moves.ts';
import { type EntityRule, matches } from '../define/entity.ts';
import type { Migration } from '../define/migration.ts';
import { HandoverError } from '../errors.ts';
import { Content } from '../record/content.ts';
import type { Key } from '../record/key.ts';
import { fromPlain, type PlainRecord, toPlain } from '../record/plain.ts';

/** A record that a simulated run may have: its old key, and what it says in the old shape. */
export interface SimulatedRecord {
  readonly key: Key;
  readonly record: object;
}

/** What is simulated: a migration, and an application that uses its records. */
export interface Subjects {
  readonly migration: Migration;
  /** Records that a run may have: it has the first one to three of them. */
  readonly records: readonly SimulatedRecord[];
  /**
   * What a client writes over a record in its new shape. What it changes is told by `n` alone, which is another each time,
   * and the way back to the old shape and there again leaves it as it is.
   */
  readonly change: (record: never, n: number) => object;
  /** The migration has all hooks that it may have: the run calls them, and they fail now and then. */
  readonly hooked?: true;
  /** Operations a second that the campaign allows, so that its workers wait for their turns, and for each other's counts. */
  readonly ceiling?: number;
  /** The next version of the migration, where the operator may upgrade to it. */
  readonly next?: NextVersion;
  /** What the records are kept inside of, where they are parts; it is there from the beginning. */
  readonly containers?: readonly SimulatedRecord[];
  /** What refers to the records and is no record of the migration; clients write it past the router. */
  readonly referrers?: readonly SimulatedReferrer[];
}

/** Another version of a migration: the same records at the same keys, in another new shape. */
export interface NextVersion {
  readonly migration: Migration;
  /** A record in its shape, of one in the shape of the version before. */
  readonly newer: (record: never) => object;
  /** The way back; undefined for what is not in its shape. */
  readonly older: (record: never) => object | undefined;
}

/** An entity that refers to one record; it is made of that one's key, the old or the new one. */
export interface SimulatedReferrer {
  readonly key: Key;
  readonly refer: (to: Key) => object;
}

/** A record of a run, with both keys. What it says is told by a text that both shapes have in common: its value. */
export class Subject {
  readonly rule: EntityRule;
  readonly keys: { readonly S: Key; readonly T: Key };
  /** In the old shape. */
  readonly content: Content;
  readonly #values = new Map<string, string>();
  /** Whose keys its content may hold, the old or the new ones: they are one value. */
  readonly #fellows: readonly Subject[];
  readonly #next: NextVersion | undefined;

  /** `fellows` may grow. */
  constructor(
    migration: Migration,
    { key, record }: SimulatedRecord,
    fellows: readonly Subject[] = [],
    next?: NextVersion,
  ) {
    this.#fellows = fellows;
    this.#next = next;
    const rule = migration.records.find(({ from }) => matches(from, key));
    if (!rule) throw new HandoverError('definition.invalid', `No rule of ${migration.name} is about ${key}.`);
    this.rule = rule;
    this.content = Content.of(fromPlain(record));
    this.keys = { S: key, T: rule.targetOf(key, this.content) };
  }

  get address() {
    return { from: this.keys.S, into: this.keys.T };
  }

  /** In the new shape. */
  get plain(): PlainRecord {
    return toPlain(this.rule.forward(this.keys.S, this.content).properties);
  }

  /** The value of a record in the new shape. */
  textOf(record: object): string {
    return this.#fellows.reduce((text, { keys: { S, T } }) => text.replaceAll(`"${T}"`, `"${S}"`), textOf(record));
  }

  /** The value of what stands at a home, whichever version it is of. */
  valueAt(side: Side, content: Content): string {
    const name = `${side}${content.bytes.toString('latin1')}`;
    let value = this.#values.get(name);
    if (value === undefined) {
      const plain = toPlain((side === 'S' ? this.rule.forward(this.keys.S, content) : content).properties);
      value = this.textOf(this.#next?.older(plain as never) ?? plain);
      this.#values.set(name, value);
    }
    return value;
  }
}

/** The same text for the same record, whatever the order of its properties. */
const textOf = (record: object): string =>
  JSON.stringify(record, (_, value: unknown) => {
    if (typeof value === 'bigint') return `${value}n`;
    if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
