import { type Invariant, jsonOf, type Shape } from '../define/invariant.ts';
import { HandoverError, messageOf } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Key } from '../record/key.ts';
import type { PlainRecord } from '../record/plain.ts';
import type { InvariantResult } from './invariantSchema.ts';

/** The group of records that have none: no text of an author begins with it by accident. */
const NONE = '\u0000';

type Totals = Map<string, unknown>;

/** A record in one shape, as measures see it. */
export interface Shown {
  readonly shape: Shape;
  readonly record: PlainRecord;
  readonly key: Key;
}

/**
 * What one pass finds of one invariant. `match` has two totals for each group, of the old and of the new shape of the same
 * records; the others have one, of the shape that holds the truth.
 */
export class Tally {
  readonly invariant: Invariant;
  readonly #expected: Totals = new Map();
  readonly #found: Totals = new Map();
  records = 0;
  uncompared = 0;
  /** Why it cannot be computed, if it cannot. */
  failure: string | undefined;

  constructor(invariant: Invariant) {
    this.invariant = invariant;
  }

  /** One more record: as it is, and as its other shape says it, where that is known. */
  count(truth: Shown, other: Shown | undefined): void {
    if (this.invariant.must !== 'match') {
      this.records++;
      this.#add(this.#found, truth);
    } else if (!other) this.uncompared++;
    else {
      this.records++;
      const [old, now] = truth.shape === 'old' ? [truth, other] : [other, truth];
      this.#add(this.#expected, old);
      this.#add(this.#found, now);
    }
  }

  /** Takes in what was found of other records. */
  merge(other: Tally): void {
    this.records += other.records;
    this.uncompared += other.uncompared;
    this.failure ??= other.failure;
    for (const [mine, theirs] of [
      [this.#expected, other.#expected],
      [this.#found, other.#found],
    ] as const) {
      for (const [group, total] of theirs) {
        this.#guarded('merging two totals', () =>
          this.#put(mine, group, mine.has(group) ? this.invariant.merge(mine.get(group), total) : total),
        );
      }
    }
  }

  /** The groups and their totals, as they are kept. */
  stored(): { groups: [string, string][]; failure?: string } {
    return {
      groups: [...this.#found].map(([group, total]) => [group, jsonOf(total)]),
      ...(this.failure === undefined ? {} : { failure: this.failure }),
    };
  }

  /** The groups that are not as they must be. `before`: what the campaign began with. */
  differences(before: readonly (readonly [string, string])[] = []): Differences {
    const { must, wanted } = this.invariant;
    const expected: Totals =
      must === 'stay' ? new Map(before.map(([group, json]) => [group, this.invariant.revive(json)])) : this.#expected;
    const groups = must === 'equals' ? this.#found.keys() : new Set([...expected.keys(), ...this.#found.keys()]);
    const differing: Differences = new Map();
    for (const group of groups) {
      const want = must === 'equals' ? wanted : (expected.get(group) ?? this.invariant.begin());
      const got = this.#found.get(group) ?? this.invariant.begin();
      this.#guarded('comparing two totals', () => {
        if (!this.invariant.equal(want, got)) differing.set(group, { expected: want, found: got });
      });
    }
    return differing;
  }

  result(state: InvariantResult['state'], differing: Differences): InvariantResult {
    const { name, must } = this.invariant;
    return {
      name,
      must,
      state,
      records: this.records,
      uncompared: this.uncompared,
      groups: new Set([...this.#expected.keys(), ...this.#found.keys()]).size,
      differing: differing.size,
      differences: [...differing].slice(0, LIMITS.samples).map(([group, { expected, found }]) => ({
        ...(group === NONE ? {} : { group: short(group) }),
        expected: short(shownOf(expected)),
        found: short(shownOf(found)),
      })),
      ...(this.failure === undefined ? {} : { failure: this.failure }),
    };
  }

  #add(totals: Totals, { shape, record, key }: Shown): void {
    this.#guarded(key.toString(), () => {
      const group = this.invariant.groupOf(shape, record, key) ?? NONE;
      const before = totals.has(group) ? totals.get(group) : this.invariant.begin();
      this.#put(totals, group, this.invariant.add(shape, before, record, key));
    });
  }

  #put(totals: Totals, group: string, total: unknown): void {
    totals.set(group, total);
    if (totals.size <= LIMITS.invariantGroups) return;
    // Nothing is to be found out any more: what is held is let go of.
    totals.clear();
    throw new HandoverError('invariant.groups', `More than ${LIMITS.invariantGroups}.`);
  }

  /** The first thing that fails is told; one total that cannot be computed says nothing of the others. */
  #guarded(of: string, run: () => void): void {
    if (this.failure !== undefined) return;
    try {
      run();
    } catch (error) {
      const [code, why] =
        error instanceof HandoverError ? [error.code, error.detail] : ['invariant.uncomputed', `${messageOf(error)}.`];
      this.failure = short(`${code}: ${of}: ${why}`, 300);
    }
  }
}

export type Differences = Map<string, { readonly expected: unknown; readonly found: unknown }>;

/** Tells whether two passes found the same difference: of numbers, however much both totals have grown. */
export function signatureOf({ expected, found }: { readonly expected: unknown; readonly found: unknown }): string {
  if (typeof expected === 'bigint' && typeof found === 'bigint') return String(found - expected);
  return `${jsonOf(expected)} ${jsonOf(found)}`;
}

const shownOf = (total: unknown): string => (typeof total === 'bigint' ? String(total) : jsonOf(total));

const short = (text: string, most = 200): string => (text.length <= most ? text : `${text.slice(0, most)}…`);
