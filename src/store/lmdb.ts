import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { Key } from '../record/key.ts';
import type { Value } from '../record/value.ts';
import { boundsOf, kindsIn, pieceCount, piecesOf } from './bounds.ts';
import { checkEntity, checkGuard, checkKey, checkMutations, checkUnits } from './check.ts';
import { applyMutations, applyUnits, overwriteAll } from './lmdbApply.ts';
import { entityOf, rangeEntityOf } from './lmdbEntry.ts';
import { type IndexDeclaration, Indexes } from './lmdbIndex.ts';
import { type AsOf, openTables, type Tables } from './lmdbTables.ts';
import { readState, Writer } from './lmdbWriter.ts';
import { isFound, termOf } from './property.ts';
import type { Capabilities, Entity, Finer, KeyRange, Mutation, Page, Store } from './store.ts';

export interface LmdbOptions {
  /** A directory; made if it is missing. */
  readonly path: string;
  /** What one commit may span. `group`, the default, is what Cloud Datastore was: what is rehearsed here is true there. */
  readonly atomic?: 'group' | 'any';
  readonly readOnly?: boolean;
  /** Kept from then on by every process that writes, declared there or not. Building one over existing data takes a
   *  while, in one transaction. */
  readonly indexes?: readonly IndexDeclaration[];
  /** Bytes of the map to begin with. It is no bound: the map grows by itself, in all processes, until the disk is full. */
  readonly mapSize?: number;
}

/**
 * The embedded store: durable, ordered, several processes at once. Every call is one synchronous piece of work, so every
 * read, scan page and look-up is a snapshot of one moment, and sees every write acknowledged before it by any process.
 */
export function lmdbStore(options: LmdbOptions): Store {
  const { path, atomic = 'group', readOnly = false, indexes: wanted = [] } = options;
  const tables = openTables(path, readOnly, options.mapSize);
  const indexes = new Indexes(tables);
  const writer = new Writer(tables);
  const declare = (all: readonly IndexDeclaration[]) =>
    writer.now(() => {
      if (indexes.declare(all, writer.generation)) writer.newGeneration();
    });
  if (wanted.length > 0 && !readOnly) declare(wanted);
  const capabilities = capabilitiesOf(tables, indexes, atomic);
  let closing: Promise<void> | undefined;
  const moments = new Set<Promise<unknown>>();

  const open = () => {
    if (closing) throw new HandoverError('store.closed', `The store at ${path} was closed.`);
  };
  const reading = () => {
    open();
    tables.refresh();
  };
  const writing = () => {
    open();
    if (readOnly) throw new HandoverError('store.readOnly', `The store at ${path} takes no writes.`);
  };
  const read = async (keys: readonly Key[]) => {
    reading();
    return keys.map((key) => readOne(tables, key));
  };

  return {
    capabilities,
    read,
    readTogether: read,
    async scan(range, limit) {
      reading();
      return scan(tables, range, limit);
    },
    async atOneMoment(run) {
      reading();
      const { release, ...asOf } = tables.hold();
      // Its reads see to it that the store is open; closing waits until they are done.
      const running = run({
        scan: async (range, limit) => {
          open();
          return scan(tables, range, limit, asOf);
        },
        read: async (keys) => {
          open();
          return keys.map((key) => readOne(tables, key, asOf));
        },
      }).finally(release);
      const ended = running.catch(() => undefined).finally(() => moments.delete(ended));
      moments.add(ended);
      return running;
    },
    async split(range, n, finer) {
      reading();
      return piecesOf(range, cuts(tables, range, n, finer));
    },
    async find(range, property, value, limit) {
      reading();
      return find(tables, indexes, range, property, value, limit);
    },
    async kinds(namespace) {
      reading();
      return [...kindsIn(namespace, (from) => firstKey(tables, from))];
    },
    async commit(mutations, guard) {
      writing();
      checkMutations(mutations, capabilities);
      checkGuard(guard, capabilities);
      return writer.submit(
        () => applyMutations(tables, writer, indexes, mutations, guard),
        (cause) => mutations.map(() => ({ status: 'unknown', cause })),
      );
    },
    async commitTogether(units: readonly (readonly Mutation[])[], guard) {
      writing();
      checkUnits(units, capabilities);
      checkGuard(guard, capabilities);
      return writer.submit(
        () => applyUnits(tables, writer, indexes, units, guard),
        (cause) => units.map(() => ({ status: 'unknown', cause })),
      );
    },
    async index(kind, property) {
      reading();
      if (readOnly || indexes.at(readState(tables.meta)[1]).has(kind, property)) return;
      declare([{ kind, property }]);
    },
    async overwrite(puts, removes = []) {
      writing();
      for (const { key, content, slot } of puts) checkEntity(key, content, slot, capabilities);
      for (const key of removes) checkKey(key, capabilities);
      return writer.submit(
        () => overwriteAll(tables, writer, indexes, puts, removes),
        (cause) => {
          throw new HandoverError('store.unknown', cause);
        },
      );
    },
    close() {
      closing ??= writer
        .drain()
        .then(() => Promise.all(moments))
        .then(() => tables.close());
      return closing;
    },
  };
}

function capabilitiesOf(tables: Tables, indexes: Indexes, atomic: 'group' | 'any'): Capabilities {
  tables.refresh();
  return {
    name: 'lmdb',
    atomic,
    snapshotReads: true,
    maxTogether: LIMITS.pageSize,
    scans: 'strong',
    snapshotScans: true,
    finds: indexes.at(readState(tables.meta)[1]).none ? 'scanned' : 'indexed',
    guards: true,
    lateMs: 0,
    warmsUp: false,
    maxMutations: LIMITS.pageSize,
    maxEntityBytes: LIMITS.entityBytes,
    maxKeyBytes: LIMITS.keyBytes,
  };
}

function readOne(tables: Tables, key: Key, asOf?: AsOf): Entity | undefined {
  const entry = tables.entities.get(key.bytes, asOf);
  return entry && entityOf(key, entry);
}

/** To the end: no key begins with it. */
const AFTER = { exclusiveStart: false, end: Buffer.from([255]), inclusiveEnd: false };

function firstKey(tables: Tables, from: Buffer): Key | undefined {
  const [bytes] = tables.entities.getKeys({ ...AFTER, start: from, limit: 1 });
  return bytes && Key.fromBytes(bytes);
}

function scan(tables: Tables, range: KeyRange, limit: number, asOf: AsOf = {}): Page {
  const bounds = boundsOf(range);
  const entities: Entity[] = [];
  if (bounds === undefined) return { entities, more: false };
  for (const row of tables.entities.getRange({ ...bounds, ...asOf, limit: limit + 1, versions: true })) {
    if (entities.length === limit) return { entities, more: true };
    entities.push(rangeEntityOf(row));
  }
  return { entities, more: false };
}

/**
 * Counts the range and takes every (count / n)th key. Both walks happen inside lmdb, over keys alone, some 5 million a
 * second, and block this process meanwhile; nothing that was written later moves the cuts.
 */
function cuts(tables: Tables, range: KeyRange, n: number, finer: Finer | undefined): Key[] {
  const bounds = boundsOf(range);
  if (bounds === undefined || n <= 1) return [];
  const count = tables.entities.getKeysCount({ ...bounds });
  const pieces = pieceCount(count, n, finer);
  const found: Key[] = [];
  let from = bounds;
  let at = 0;
  for (let i = 1; i < pieces; i++) {
    const cut = Math.ceil((i * count) / pieces);
    const [bytes] = tables.entities.getKeys({ ...from, offset: cut - at - 1, limit: 1 });
    found.push(Key.fromBytes(bytes!));
    from = { ...bounds, start: bytes!, exclusiveStart: true };
    at = cut;
  }
  return found;
}

function find(tables: Tables, indexes: Indexes, range: KeyRange, property: string, value: Value, limit: number): Page {
  const bounds = boundsOf(range);
  const entities: Entity[] = [];
  if (bounds === undefined) return { entities, more: false };
  const term = termOf(property, value);
  const indexed = indexes.at(readState(tables.meta)[1]).has(range.kind, property);
  const candidates = indexed ? looked(tables, indexes.keys(term, bounds)) : scanned(tables, bounds);
  for (const entity of candidates) {
    if (!isFound(entity.content, property, term)) continue;
    if (entities.length === limit) return { entities, more: true };
    entities.push(entity);
  }
  return { entities, more: false };
}

function* looked(tables: Tables, keys: Iterable<Key>): Generator<Entity> {
  for (const key of keys) {
    const entity = readOne(tables, key);
    if (entity) yield entity;
  }
}

function* scanned(tables: Tables, bounds: NonNullable<ReturnType<typeof boundsOf>>): Generator<Entity> {
  for (const row of tables.entities.getRange({ ...bounds, versions: true })) yield rangeEntityOf(row);
}
