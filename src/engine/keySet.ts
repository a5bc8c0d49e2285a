import { hash } from 'node:crypto';
import type { Key } from '../record/key.ts';

/**
 * Which keys were seen, by 64 bits of a hash in one flat table: 11 to 21 bytes a key, where a set of texts takes some 150.
 * Up to the limit two keys are taken for one with a chance of at most limit² / 2^65: about 4 in a million for 12 million.
 */
export class KeySet {
  readonly limit: number;
  size = 0;
  /** Pairs of 32 bits, linear probing; 0 0 is an empty place. */
  #places = new Uint32Array(2 * 1024);

  constructor(limit: number) {
    this.limit = limit;
  }

  /** `full`: it was not there, and is not remembered. */
  add(key: Key): 'added' | 'present' | 'full' {
    const digest = hash('sha1', key.bytes, 'buffer');
    const low = digest.readUInt32LE(0) || 1;
    const high = digest.readUInt32LE(4);
    const at = find(this.#places, low, high);
    if (this.#places[at] !== 0) return 'present';
    if (this.size >= this.limit) return 'full';
    this.#places[at] = low;
    this.#places[at + 1] = high;
    this.size++;
    if (this.size * 2 * 4 > this.#places.length * 3) this.#grow();
    return 'added';
  }

  #grow(): void {
    const old = this.#places;
    this.#places = new Uint32Array(old.length * 2);
    for (let i = 0; i < old.length; i += 2) {
      if (old[i] === 0) continue;
      const at = find(this.#places, old[i]!, old[i + 1]!);
      this.#places[at] = old[i]!;
      this.#places[at + 1] = old[i + 1]!;
    }
  }
}

/** Where a hash is, or the empty place where it belongs. */
function find(places: Uint32Array, low: number, high: number): number {
  const mask = places.length - 1;
  for (let at = (high * 2) & mask; ; at = (at + 2) & mask) {
    if (places[at] === 0 || (places[at] === low && places[at + 1] === high)) return at;
  }
}
