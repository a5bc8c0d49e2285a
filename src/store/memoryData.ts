import { Content } from '../record/content.ts';
import { Key } from '../record/key.ts';
import { boundsOf } from './bounds.ts';
import type { Entity, KeyRange, Mutation, Version } from './store.ts';

/** Writes that can be taken back for a stale scan. */
const HISTORY = 10_000;

interface Write {
  readonly id: string;
  readonly before: Entity | undefined;
}

/**
 * What several memory stores share. Nothing in here yields, so every method is one atomic step. A row's id is its key's
 * bytes, one character a byte: comparing ids is comparing bytes.
 */
export class MemoryData {
  readonly #rows = new Map<string, Entity>();
  readonly #ids: string[] = [];
  #history: Write[] = [];
  /** One counter for all keys, never set back: a version cannot return when a key does. */
  #version = 0;

  get size(): number {
    return this.#rows.size;
  }

  get(key: Key): Entity | undefined {
    return this.#rows.get(idOf(key));
  }

  holds(mutation: Mutation): boolean {
    const row = this.get(mutation.key);
    return mutation.op === 'insert' ? row === undefined : row !== undefined && row.version === mutation.version;
  }

  apply(mutation: Mutation): Version {
    if (mutation.op === 'delete') this.remove(mutation.key);
    else this.put(mutation.key, mutation.content, mutation.slot);
    return this.#version;
  }

  /** Keeps canonical bytes alone: what a caller changes in a value afterwards does not reach the store. */
  put(key: Key, content: Content, slot: string | undefined): void {
    const copy = { key: Key.fromBytes(key.bytes), content: Content.fromBytes(content.bytes), slot };
    this.#write(idOf(key), { ...copy, version: ++this.#version });
  }

  remove(key: Key): void {
    this.#version++;
    this.#write(idOf(key), undefined);
  }

  /** In key order; as it was `writes` writes ago. */
  *walk(range: KeyRange, writes = 0): Generator<Entity> {
    const bounds = boundsOf(range);
    if (bounds === undefined) return;
    const { ids, rows } = writes === 0 ? { ids: this.#ids, rows: this.#rows } : this.#earlier(writes);
    const start = bounds.start.toString('latin1');
    const end = bounds.end.toString('latin1');
    for (let i = lowerBound(ids, start); i < ids.length; i++) {
      const id = ids[i]!;
      if (bounds.inclusiveEnd ? id > end : id >= end) return;
      if (bounds.exclusiveStart && id === start) continue;
      yield rows.get(id)!;
    }
  }

  /** The first key that is not before these bytes. */
  firstKey(from: Buffer): Key | undefined {
    const id = this.#ids[lowerBound(this.#ids, from.toString('latin1'))];
    return id === undefined ? undefined : this.#rows.get(id)!.key;
  }

  #write(id: string, after: Entity | undefined): void {
    const before = this.#rows.get(id);
    if (before === undefined && after === undefined) return;
    this.#history.push({ id, before });
    if (this.#history.length > 2 * HISTORY) this.#history = this.#history.slice(-HISTORY);
    if (after === undefined) {
      this.#rows.delete(id);
      this.#ids.splice(lowerBound(this.#ids, id), 1);
      return;
    }
    this.#rows.set(id, after);
    if (before === undefined) this.#ids.splice(lowerBound(this.#ids, id), 0, id);
  }

  #earlier(writes: number): { ids: string[]; rows: Map<string, Entity> } {
    const rows = new Map(this.#rows);
    for (const { id, before } of this.#history.slice(-writes).reverse()) {
      if (before === undefined) rows.delete(id);
      else rows.set(id, before);
    }
    return { ids: [...rows.keys()].sort(byCodeUnit), rows };
  }
}

const idOf = (key: Key): string => key.bytes.toString('latin1');
const byCodeUnit = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The first index whose id is not before `id`. */
function lowerBound(ids: readonly string[], id: string): number {
  let low = 0;
  let high = ids.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ids[middle]! < id) low = middle + 1;
    else high = middle;
  }
  return low;
}
