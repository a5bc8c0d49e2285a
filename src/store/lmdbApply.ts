import type { Content } from '../record/content.ts';
import type { Key } from '../record/key.ts';
import { encodeEntry } from './lmdbEntry.ts';
import type { Indexes } from './lmdbIndex.ts';
import type { Tables } from './lmdbTables.ts';
import type { Writer } from './lmdbWriter.ts';
import type { Guard, Mutation, Outcome, UnitOutcome, Version } from './store.ts';

/** What jobs do inside the write transaction, where nobody else writes: what holds when looked at holds when written. */

const CONFLICT = { status: 'conflict' } as const;
const FENCED = { status: 'fenced' } as const;
/** A delete gives no version; the port says that this one is meaningless. */
const NO_VERSION = 0;
const DELETED = { status: 'applied', version: NO_VERSION } as const;

export function applyMutations(
  tables: Tables,
  writer: Writer,
  indexes: Indexes,
  mutations: readonly Mutation[],
  guard: Guard | undefined,
): Outcome[] {
  if (isFenced(tables, guard)) return mutations.map(() => FENCED);
  indexes.at(writer.generation);
  const outcomes = new Array<Outcome>(mutations.length);
  for (let i = 0; i < mutations.length; i++) {
    const version = apply(tables, writer, indexes, mutations[i]!);
    outcomes[i] = version === undefined ? CONFLICT : version === NO_VERSION ? DELETED : { status: 'applied', version };
  }
  return outcomes;
}

/** All conditions of a unit are looked at before any of it is written, the first with its write: nothing to take back. */
export function applyUnits(
  tables: Tables,
  writer: Writer,
  indexes: Indexes,
  units: readonly (readonly Mutation[])[],
  guard: Guard | undefined,
): UnitOutcome[] {
  if (isFenced(tables, guard)) return units.map(() => FENCED);
  indexes.at(writer.generation);
  return units.map((unit) => {
    for (let i = 1; i < unit.length; i++) if (!holds(tables, unit[i]!)) return CONFLICT;
    const first = apply(tables, writer, indexes, unit[0]!);
    if (first === undefined) return CONFLICT;
    const versions: Version[] = unit.map((mutation, i) => {
      if (i === 0) return first;
      const version = apply(tables, writer, indexes, mutation);
      // Unreachable while no unit names a key twice. Thrown, it takes the whole transaction back.
      if (version === undefined) throw new Error(`${mutation.key} changed inside its own transaction`);
      return version;
    });
    return { status: 'applied', versions };
  });
}

export function overwriteAll(
  tables: Tables,
  writer: Writer,
  indexes: Indexes,
  puts: readonly { key: Key; content: Content; slot?: string }[],
  removes: readonly Key[],
): void {
  indexes.at(writer.generation);
  const { entities } = tables;
  for (const { key, content, slot } of puts) {
    if (indexes.concern(key)) indexes.write(key, entities.get(key.bytes)?.content, content);
    entities.putSync(key.bytes, encodeEntry(content, slot), writer.nextVersion);
    writer.versionUsed();
  }
  for (const key of removes) {
    if (indexes.concern(key)) indexes.write(key, entities.get(key.bytes)?.content, undefined);
    entities.removeSync(key.bytes);
  }
}

function holds(tables: Tables, mutation: Mutation): boolean {
  return mutation.op === 'insert' ? tables.entities.doesExist(mutation.key.bytes, null) : isAt(tables, mutation);
}

const isFenced = (tables: Tables, guard: Guard | undefined) => guard !== undefined && !isAt(tables, guard);

const isAt = ({ entities }: Tables, { key, version }: Guard): boolean =>
  typeof version === 'number' && entities.doesExist(key.bytes, version);

/** The new version, or nothing when the condition does not hold. lmdb compares and writes in one native call. */
function apply(tables: Tables, writer: Writer, indexes: Indexes, mutation: Mutation): number | undefined {
  const { entities } = tables;
  const { key } = mutation;
  // A condition that is not a number would be none at all to lmdb: the write would be unconditional.
  if (mutation.op !== 'insert' && typeof mutation.version !== 'number') return undefined;
  const indexed = indexes.concern(key);
  const before = !indexed || mutation.op === 'insert' ? undefined : entities.get(key.bytes)?.content;
  if (mutation.op === 'delete') {
    if (!entities.removeSync(key.bytes, mutation.version as number)) return undefined;
    if (indexed) indexes.write(key, before, undefined);
    return NO_VERSION;
  }
  const { content, slot } = mutation;
  const version = writer.nextVersion;
  const condition = mutation.op === 'insert' ? null : (mutation.version as number);
  if (!entities.putSync(key.bytes, encodeEntry(content, slot), version, condition)) return undefined;
  writer.versionUsed();
  if (indexed) indexes.write(key, before, content);
  return version;
}
