import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { open } from 'lmdb';
import { HandoverError } from '../errors.ts';
import { type Entry, entryCodec, keyCodec } from './lmdbEntry.ts';

/** What is used of a `Database` of lmdb, with the parameters that its own types leave out. */
export interface Table<Stored, Read> {
  get(key: Buffer, options?: AsOf): Read | undefined;
  /** False when `ifVersion` did not hold; null stands for "must not exist". Only inside a write transaction. */
  putSync(key: Buffer, value: Stored, version?: number, ifVersion?: number | null): boolean;
  /** False when nothing was removed. Only inside a write transaction. */
  removeSync(key: Buffer, ifVersion?: number): boolean;
  doesExist(key: Buffer, version?: number | null): boolean;
  getRange(options: RangeOptions & { versions: true }): Iterable<{ key: Buffer; value: Read; version: number }>;
  getKeys(options: RangeOptions & { offset?: number }): Iterable<Buffer>;
  getKeysCount(options: RangeOptions): number;
}

/** Reads as of a transaction that is held; unset: as of now. */
export interface AsOf {
  readonly transaction?: object;
}

export interface RangeOptions extends AsOf {
  readonly start: Buffer;
  readonly exclusiveStart: boolean;
  readonly end: Buffer;
  readonly inclusiveEnd: boolean;
  readonly limit?: number;
}

export interface Tables {
  readonly entities: Table<Buffer, Entry>;
  /** See lmdbIndex.ts. */
  readonly index: Table<Buffer, Buffer>;
  /** The version counter and the declared indexes. */
  readonly meta: Table<Buffer, Buffer>;
  transactionSync<T>(action: () => T): T;
  /** Lets the next read see what other processes have committed; without it a read may be one event-loop turn old. */
  refresh(): void;
  /** A read transaction that stands until it is let go of. The environment must not be closed before that. */
  hold(): AsOf & { release(): void };
  close(): Promise<void>;
}

/**
 * `overlappingSync: false`: a transaction is written and flushed (fdatasync), and only then are its pages made visible
 * to others by the meta page, itself written with O_DSYNC (mdb.c: `mdb_txn_commit`: page_flush, env_sync0, write_meta).
 * So what any process can read survives a power cut, and another worker may act on what it reads.
 */
export function openTables(path: string, readOnly: boolean, mapSize: number | undefined): Tables {
  if (readOnly && !existsSync(path)) {
    throw new HandoverError('config.invalid', `There is no store at ${path}; a read-only store cannot create one.`);
  }
  const gate = openGate(path);
  const { root, entities, index, meta } = gate.transactionSync(() => {
    const opened = open({
      path,
      readOnly,
      overlappingSync: false,
      noSubdir: false,
      encoding: 'binary',
      ...(mapSize === undefined ? {} : { mapSize }),
    });
    const table = (name: string, options: object) => {
      const found = opened.openDB({ name, keyEncoder: keyCodec, ...options } as { name: string });
      if (found === undefined) throw new HandoverError('config.invalid', `${path} holds no handover store.`);
      return found as unknown;
    };
    return {
      root: opened,
      entities: table('entities', { useVersions: true, encoder: entryCodec }) as Table<Buffer, Entry>,
      index: table('index', { encoding: 'binary' }) as Table<Buffer, Buffer>,
      meta: table('meta', { encoding: 'binary' }) as Table<Buffer, Buffer>,
    };
  });
  return {
    entities,
    index,
    meta,
    transactionSync: (action) => gate.transactionSync(() => root.transactionSync(action)),
    refresh: () => root.resetReadTxn(),
    hold: () => {
      const transaction = root.useReadTransaction();
      return { transaction, release: () => transaction.done() };
    },
    close: async () => {
      await root.close();
      await gate.close();
    },
  };
}

/**
 * Keeps opening and writing apart, across processes. Whoever opens an environment of lmdb 3.5.6 sets the shared number of
 * the newest transaction to the one it read from the file a moment ago, without the write lock (mdb.c:
 * `mdb_env_open2`). A commit of another process that falls in between is taken back, though it was acknowledged and on
 * disk: the next writer builds on the transaction before it. So both happen under one more lock: the write lock of a
 * second environment in which nothing is ever written, so that there is nothing to take back. It is a robust mutex, which
 * the death of its holder releases.
 */
function openGate(path: string) {
  return open({ path: join(path, 'gate'), overlappingSync: false, noSubdir: false, encoding: 'binary', maxDbs: 1 });
}
