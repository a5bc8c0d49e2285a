import { type Clock, systemClock } from '../../clock.ts';
import { HandoverError } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';
import { checkEntity, checkGuard, checkKey, checkMutations, checkUnits, refuseTwice } from '../check.ts';
import { PRICE_LISTS } from '../prices.ts';
import type { Capabilities, Store } from '../store.ts';
import { type Behaviour, factsOf } from './behaviour.ts';
import { type Connection, type ConnectionOptions, connect } from './client.ts';
import { committerOf } from './commits.ts';
import { errorOf } from './failures.ts';
import { read, readTogether } from './lookups.ts';
import { atOneMoment } from './moments.ts';
import { observe, probe } from './probe.ts';
import { find, kindsOf, scan } from './queries.ts';
import { split } from './split.ts';

export interface DatastoreOptions extends ConnectionOptions {
  /** Takes no writes, and makes none to find out how the database behaves. */
  readonly readOnly?: boolean;
  /** Say `eventual` where queries may lag behind: the emulator's `--consistency` below 1. It is found out, nearly always. */
  readonly consistency?: 'strong' | 'eventual';
  /** For tests. */
  readonly clock?: Clock;
}

/**
 * Cloud Datastore: the service, in whatever mode the database is, and its emulators. Opening it writes, and removes, some
 * throw-away entities of kind `_HandoverProbe`, to see which of its ways of compare-and-set this database honours.
 *
 * Throws `store.driver`, `store.denied`, `store.missing`, `store.unavailable`, and `store.unsafe` for a database that
 * honours none.
 */
export async function datastoreStore(options: DatastoreOptions = {}): Promise<Store> {
  const { readOnly = false, clock = systemClock } = options;
  const connection = await connect(options, clock);
  try {
    const seen = readOnly ? await observe(connection) : await probe(connection, clock);
    return assemble(connection, { ...seen, scans: options.consistency ?? seen.scans }, readOnly, clock);
  } catch (thrown) {
    await connection.close();
    const error = errorOf(thrown, connection.where);
    if (error.code !== 'store.unknown') throw error;
    throw new HandoverError('store.unavailable', error.detail, error.facts, { cause: thrown });
  }
}

function assemble(
  connected: Awaited<ReturnType<typeof connect>>,
  behaviour: Behaviour,
  readOnly: boolean,
  clock: Clock,
): Store {
  const connection = { ...connected, keepsMixedArrays: behaviour.keepsMixedArrays };
  const capabilities = capabilitiesOf(connection, behaviour);
  const committer = committerOf(connection, behaviour, clock);
  const calls = new Set<Promise<unknown>>();
  let closing: Promise<void> | undefined;

  /** Counts the call as under way, so that closing waits for it. */
  const call = async <T>(run: () => Promise<T>, writes = false): Promise<T> => {
    if (closing) throw new HandoverError('store.closed', `The store of ${connection.where} was closed.`);
    if (writes && readOnly) throw new HandoverError('store.readOnly', `${connection.where}.`);
    const running = run();
    calls.add(running);
    try {
      return await running;
    } finally {
      calls.delete(running);
    }
  };

  return {
    capabilities,
    ...(connection.isEmulator ? {} : { prices: PRICE_LISTS.nam5 }),
    facts: readOnly ? [UNTRIED] : factsOf(behaviour),
    scan: (range, limit) => call(() => scan(connection, range, limit)),
    split: (range, n, finer) => call(() => split(connection, range, n, finer)),
    read: (keys) => call(() => read(connection, keys)),
    readTogether: (keys) =>
      call(async () => {
        const { maxTogether } = capabilities;
        if (keys.length > maxTogether)
          throw new RangeError(`${keys.length} keys at one moment; it reads ${maxTogether}.`);
        return readTogether(connection, keys);
      }),
    atOneMoment: (run) =>
      call(async () => {
        if (!capabilities.snapshotScans) throw new RangeError(`${capabilities.name} has no snapshot scans.`);
        return atOneMoment(connection, run, () => closing !== undefined);
      }),
    find: (range, property, value, limit) => call(() => find(connection, range, property, value, limit)),
    kinds: (namespace) => call(() => kindsOf(connection, namespace)),
    commit: (mutations, guard) =>
      call(async () => {
        checkGuard(guard, capabilities);
        checkMutations(mutations, capabilities);
        refuseTwice(mutations);
        return committer.commit(mutations);
      }, true),
    commitTogether: (units, guard) =>
      call(async () => {
        checkGuard(guard, capabilities);
        checkUnits(units, capabilities);
        return committer.commitTogether(units);
      }, true),
    overwrite: (puts, removes = []) =>
      call(async () => {
        for (const { key, content, slot } of puts) checkEntity(key, content, slot, capabilities);
        for (const key of removes) checkKey(key, capabilities);
        return committer.overwrite(puts, removes);
      }, true),
    close() {
      closing ??= Promise.allSettled(calls).then(() => connection.close());
      return closing;
    },
  };
}

const UNTRIED = { what: 'read-only', meaning: 'Nothing was tried: what writes can do here is not known.' };

function capabilitiesOf({ deadlineMs, isEmulator }: Connection, behaviour: Behaviour): Capabilities {
  const { groups, together, scans, moments } = behaviour;
  return {
    name: 'datastore',
    atomic: groups === 0 ? 'entity' : groups === 1 ? 'group' : 'any',
    snapshotReads: together > 1,
    maxTogether: together,
    scans,
    snapshotScans: moments,
    finds: 'indexed',
    guards: false,
    warmsUp: !isEmulator,
    // Sent within one deadline, answered within another; and a server may be at it for a while after it was given up.
    lateMs: 2 * deadlineMs + (isEmulator ? 0 : LIMITS.datastoreLateMs),
    maxMutations: LIMITS.pageSize,
    maxEntityBytes: LIMITS.datastoreEntityBytes,
    maxKeyBytes: LIMITS.datastoreKeyBytes,
  };
}
