import type { Entity, Key, KeyRange, Properties, Store } from 'handover';
import type { Acknowledged } from './ackLog.ts';
import { expectedAt } from './expected.ts';
import type { Manifest } from './folder.ts';
import { type FeedRecord, KINDS, numberOf, recordAt } from './records.ts';
import { written } from './values.ts';

/**
 * What a reading of every entity of both homes has found, held against what was seeded and what the writer was told.
 * Nothing here asks the engine: it looks at keys and contents only, at no slot, no campaign and no journal.
 */
export interface Proof {
  readonly records: number;
  /** Under their user with exactly the content they must have, and nowhere else. */
  readonly arrived: number;
  /** Under their user, but with other content. */
  readonly altered: number;
  /** Entities of a record beyond its first, wherever they stand. */
  readonly duplicates: number;
  /** Records of which nothing is left anywhere. */
  readonly gaps: number;
  /** Records that are still, and only, in the old home. */
  readonly behind: number;
  /** Records that are neither here nor there, but somewhere else. */
  readonly misplaced: number;
  /** Entities of these kinds that are no record of the seed. */
  readonly strangers: number;
  readonly acknowledgedWrites: number;
  /** Of the acknowledged writes, those whose visit is counted in the record. */
  readonly writesFound: number;
  /** Visits that are counted and were never acknowledged. */
  readonly writesInvented: number;
  readonly users: number;
  readonly usersExpected: number;
  readonly holds: boolean;
  /** The first few things that are wrong, by key. */
  readonly samples: readonly string[];
}

const PAGE = 1000;
const SAMPLES = 10;

export async function prove(
  store: Store,
  manifest: Manifest,
  acknowledged: Acknowledged,
  onProgress: (seen: number) => void = () => {},
  signal?: AbortSignal,
): Promise<Proof> {
  const walk = new Walk(manifest, acknowledged);
  let seen = 0;
  for (const kind of KINDS) {
    // No root kind: wherever an entity of this kind stands, it is met.
    for await (const entities of pages(store, { namespace: '', kind })) {
      signal?.throwIfAborted();
      for (const entity of entities) walk.meet(kind, entity);
      seen += entities.length;
      onProgress(seen);
    }
  }
  return walk.conclude();
}

async function* pages(store: Store, range: KeyRange): AsyncGenerator<readonly Entity[]> {
  for (let after: Key | undefined; ; ) {
    const page = await store.scan(after ? { ...range, after } : range, PAGE);
    yield page.entities;
    after = page.entities.at(-1)?.key;
    if (!page.more) return;
  }
}

class Walk {
  readonly #manifest: Manifest;
  readonly #acknowledged: Acknowledged;
  readonly #inNewHome: Uint8Array;
  readonly #inOldHome: Uint8Array;
  readonly #elsewhere: Uint8Array;
  readonly #exact: Uint8Array;
  readonly #visits: Float64Array;
  readonly #users = new Set<string>();
  readonly #samples: string[] = [];
  #strangers = 0;

  constructor(manifest: Manifest, acknowledged: Acknowledged) {
    this.#manifest = manifest;
    this.#acknowledged = acknowledged;
    const perRecord = () => new Uint8Array(manifest.records);
    [this.#inNewHome, this.#inOldHome, this.#elsewhere, this.#exact] = [
      perRecord(),
      perRecord(),
      perRecord(),
      perRecord(),
    ];
    this.#visits = new Float64Array(manifest.records);
  }

  meet(kind: string, { key, content }: Entity): void {
    const n = numberOf(kind, key.id, this.#manifest.records);
    if (n === undefined) {
      this.#strangers++;
      this.#note(`${key} is no record of the seed`);
      return;
    }
    const record = recordAt(n);
    const home = this.#homeOf(record, key);
    home[n]!++;
    if (home === this.#elsewhere) this.#note(`${key} stands neither in the old home nor in the new one`);
    this.#visits[n] = Math.max(this.#visits[n]!, visitsOf(content.properties));
    if (home !== this.#inNewHome) return;
    this.#users.add(record.user);
    this.#exact[n] = this.#isExact(n, key, content.properties) ? 1 : 0;
  }

  #homeOf({ from, into }: FeedRecord, key: Key): Uint8Array {
    const path = pathOf(key);
    if (path === pathOf(into)) return this.#inNewHome;
    return path === pathOf(from) ? this.#inOldHome : this.#elsewhere;
  }

  #isExact(n: number, key: Key, properties: Properties): boolean {
    const expected = written(expectedAt(n, this.#acknowledged.last.get(n)));
    const found = written(properties);
    if (found === expected) return true;
    const lines = new Set(expected.split('\n'));
    this.#note(`${key} should not say ${found.split('\n').find((line) => !lines.has(line)) ?? 'so little'}`);
    return false;
  }

  #note(sample: string): void {
    if (this.#samples.length < SAMPLES) this.#samples.push(sample);
  }

  conclude(): Proof {
    const { records, users: usersExpected } = this.#manifest;
    const { writes: acknowledgedWrites, irregular } = this.#acknowledged;
    const counted = this.#count();
    const { arrived, duplicates, writesFound, writesInvented } = counted;
    const users = this.#users.size;
    const tooMany = duplicates + this.#strangers + writesInvented + irregular;
    const allThere = arrived === records && writesFound === acknowledgedWrites && users === usersExpected;
    const rest = { records, strangers: this.#strangers, acknowledgedWrites, users, usersExpected };
    return { ...counted, ...rest, holds: allThere && tooMany === 0, samples: this.#samples };
  }

  #count() {
    const counted = { arrived: 0, altered: 0, duplicates: 0, gaps: 0, behind: 0, misplaced: 0 };
    const writes = { writesFound: 0, writesInvented: 0 };
    for (let n = 0; n < this.#manifest.records; n++) {
      const entities = this.#inNewHome[n]! + this.#inOldHome[n]! + this.#elsewhere[n]!;
      const fate = this.#fateOf(n, entities);
      if (fate) counted[fate]++;
      if (entities > 1) this.#note(`${recordAt(n).from} stands in ${entities} places`);
      counted.duplicates += Math.max(0, entities - 1);
      const acknowledged = this.#acknowledged.last.get(n)?.visits ?? 0;
      writes.writesFound += Math.min(acknowledged, this.#visits[n]!);
      writes.writesInvented += Math.max(0, this.#visits[n]! - acknowledged);
    }
    return { ...counted, ...writes };
  }

  /** What became of a record; undefined for one that arrived as it should and stands elsewhere too. */
  #fateOf(n: number, entities: number): 'arrived' | 'altered' | 'gaps' | 'behind' | 'misplaced' | undefined {
    if (this.#inNewHome[n]! > 0) {
      if (!this.#exact[n]) return 'altered';
      return entities === 1 ? 'arrived' : undefined;
    }
    if (entities === 0) this.#note(`${recordAt(n).from} is gone`);
    else this.#note(`${recordAt(n).from} did not arrive`);
    if (entities === 0) return 'gaps';
    return this.#inOldHome[n]! > 0 ? 'behind' : 'misplaced';
  }
}

/** The path in full: kinds, ids, and whether an id is a number or a name. */
const pathOf = (key: Key): string => JSON.stringify(key.path.map(({ kind, id }) => [kind, typeof id, String(id)]));

function visitsOf(properties: Properties): number {
  const visits = properties.get('visits');
  return visits?.type === 'integer' ? Number(visits.value) : 0;
}
