import { hash } from 'node:crypto';
import type { Content } from '../record/content.ts';
import { Key } from '../record/key.ts';
import type { Bounds } from './bounds.ts';
import type { Tables } from './lmdbTables.ts';
import { termsOf } from './property.ts';

export interface IndexDeclaration {
  readonly kind: string;
  readonly property: string;
}

const DECLARED = Buffer.from('indexes');
const HASH_BYTES = 16;
/** No key is before or after these: a key begins with the UTF-8 of a namespace, or its closing 0. */
const ALL: Bounds = { start: Buffer.from([0]), exclusiveStart: false, end: Buffer.from([255]), inclusiveEnd: false };

/**
 * A secondary index: `hash of (property, value), key` with nothing behind it, so that one value's entries lie in key
 * order and a range of keys is a range of entries. A term may be longer than LMDB's keys, hence the hash; `find` looks
 * at the entity itself, so a collision costs a read and never a wrong answer.
 *
 * The list of indexes lies in the store, not in its options: a process that was started without it keeps them too.
 */
export class Indexes {
  readonly #tables: Tables;
  /** Of short texts that were met, by property and value. */
  readonly #hashes = new Map<string, Map<string, readonly Buffer[]>>();
  #generation = -1;
  #declared: readonly IndexDeclaration[] = [];

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  /** To be called in the transaction, read or write, in which the answer is used. */
  at(generation: number): this {
    if (generation === this.#generation) return this;
    const stored = this.#tables.meta.get(DECLARED);
    this.#declared = stored ? (JSON.parse(stored.toString()) as IndexDeclaration[]) : [];
    this.#generation = generation;
    return this;
  }

  get none(): boolean {
    return this.#declared.length === 0;
  }

  has(kind: string, property: string): boolean {
    return this.#declared.some((each) => each.kind === kind && each.property === property);
  }

  /** Whether any index is of this kind: whoever writes another one need not look at what was there. */
  concern({ kind }: Key): boolean {
    return this.#declared.some((each) => each.kind === kind);
  }

  /** Declares what is missing and indexes what is there, in one write transaction. False when nothing was missing. */
  declare(wanted: readonly IndexDeclaration[], generation: number): boolean {
    this.at(generation);
    const missing = wanted.filter(({ kind, property }) => !this.has(kind, property));
    if (missing.length === 0) return false;
    for (const row of this.#tables.entities.getRange({ ...ALL, versions: true })) {
      this.#write(missing, Key.fromBytes(row.key), undefined, row.value.content);
    }
    const declared = [...this.#declared, ...missing.map(({ kind, property }) => ({ kind, property }))];
    this.#tables.meta.putSync(DECLARED, Buffer.from(JSON.stringify(declared)));
    this.#generation = -1;
    return true;
  }

  /** Follows one write of an entity, in the same transaction. */
  write(key: Key, before: Content | undefined, after: Content | undefined): void {
    this.#write(this.#declared, key, before, after);
  }

  #write(
    indexes: readonly IndexDeclaration[],
    key: Key,
    before: Content | undefined,
    after: Content | undefined,
  ): void {
    const { index } = this.#tables;
    const kind = key.kind;
    for (const { kind: of, property } of indexes) {
      if (of !== kind) continue;
      const [gone, come] = [before, after].map((content) => (content ? this.#hashesOf(content, property) : []));
      for (const term of gone!) index.removeSync(Buffer.concat([term, key.bytes]));
      for (const term of come!) index.putSync(Buffer.concat([term, key.bytes]), NOTHING);
    }
  }

  /** A status has few values, and each write has one of them. */
  #hashesOf(content: Content, property: string): readonly Buffer[] {
    const value = textOf(content, property);
    if (value === undefined) return termsOf(content, property).map(hashOf);
    const known = this.#hashes.get(property)?.get(value);
    if (known) return known;
    const hashes = termsOf(content, property).map(hashOf);
    const ofProperty = this.#hashes.get(property) ?? new Map<string, readonly Buffer[]>();
    if (ofProperty.size >= HASHES_KEPT) ofProperty.clear();
    this.#hashes.set(property, ofProperty.set(value, hashes));
    return hashes;
  }

  /** The keys under a term, in key order. */
  *keys(term: Buffer, bounds: Bounds): Generator<Key> {
    const range = { ...bounds, start: entryOf(term, bounds.start), end: entryOf(term, bounds.end) };
    for (const entry of this.#tables.index.getKeys(range)) yield Key.fromBytes(entry.subarray(HASH_BYTES));
  }
}

const NOTHING = Buffer.alloc(0);

const HASHES_KEPT = 100;
const SHORT = 32;

const hashOf = (term: Buffer): Buffer => hash('sha256', term, 'buffer').subarray(0, HASH_BYTES);

const entryOf = (term: Buffer, key: Buffer): Buffer => Buffer.concat([hashOf(term), key]);

/** The property, where it is a short text that is indexed. Content that does not decode has none. */
function textOf(content: Content, property: string): string | undefined {
  try {
    const value = content.properties.get(property);
    return value?.type === 'string' && !value.unindexed && value.value.length <= SHORT ? value.value : undefined;
  } catch {
    return undefined;
  }
}
