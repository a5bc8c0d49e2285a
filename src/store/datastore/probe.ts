import type { Clock } from '../../clock.ts';
import { HandoverError } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';
import { type Key, key } from '../../record/key.ts';
import type { Behaviour } from './behaviour.ts';
import type { Connection } from './client.ts';
import { failureOf } from './failures.ts';
import { idOf, keyToWire } from './keys.ts';
import { lookup, readIn } from './lookups.ts';
import { answersTo, KEYS_ONLY, scan } from './queries.ts';
import { queryOf } from './ranges.ts';
import type { WireEntity, WireKey, WireMutation, WireMutationResult, WireValue } from './wire.ts';

/** As the probe of the port, which finds and removes what one of either that died has left. */
const KIND = '_HandoverProbe';
const NEVER = '1';
/** One more than the transactions of databases with entity groups span. */
const MANY_GROUPS = 26;
const RIVALS = 8;
/** Of rows that are each missed in one query of ten, all are seen once in 40,000. */
const FRESH_ROWS = 100;

/**
 * Provokes real conflicts on throw-away entities, to see which of the store's ways this database honours: they differ
 * by its mode and by its history, and nothing else tells. Throws `store.unsafe` when none of them is safe.
 */
export async function probe(connection: Connection, clock: Clock): Promise<Behaviour> {
  const bench = new Bench(connection, clock);
  try {
    const commitsEach = await honoursEach(bench);
    const whole = await honoursWhole(bench);
    if (!commitsEach && !whole) {
      const detail = `${connection.where}: a write at an old version was applied, in a transaction and outside.`;
      throw new HandoverError('store.unsafe', detail);
    }
    const groups = whole ? await groupsOf(bench) : 0;
    const together = await keysTogether(connection);
    // Only a database that has entity groups can be of the old kind, whose queries lag behind.
    const lags = Number.isFinite(together) || Number.isFinite(groups);
    const scans = lags && (await missesFreshRows(bench)) ? 'eventual' : 'strong';
    const keepsMixedArrays = await keepsOrder(bench);
    const moments = await holdsMoments(bench);
    return { commitsEach, groups, together: Math.min(together, LIMITS.pageSize), scans, moments, keepsMixedArrays };
  } finally {
    await bench.clear();
  }
}

/** What can be seen without a write; the rest is taken for what it is in every mode that has been seen, or worse. */
export async function observe(connection: Connection): Promise<Behaviour> {
  const together = await keysTogether(connection);
  return {
    commitsEach: false,
    groups: together,
    together: Math.min(together, LIMITS.pageSize),
    scans: Number.isFinite(together) ? 'eventual' : 'strong',
    moments: false,
    keepsMixedArrays: false,
  };
}

class Bench {
  readonly connection: Connection;
  readonly clock: Clock;
  readonly #name: string;
  readonly #made = new Map<string, WireKey>();

  constructor(connection: Connection, clock: Clock) {
    this.connection = connection;
    this.clock = clock;
    this.#name = clock.id();
  }

  /** Each in an entity group of its own. */
  key(name: string | number): Key {
    return key(KIND, `${this.#name}.${name}`);
  }

  entity(name: string | number, n: number, more: Record<string, WireValue> = {}): WireEntity {
    const at = keyToWire(this.connection, this.key(name));
    this.#made.set(idOf(at), at);
    const whole = (value: number): WireValue => ({ integerValue: `${value}` });
    return { key: at, properties: { at: whole(this.clock.now()), n: whole(n), ...more } };
  }

  /** The results, or how it failed. An answer that was lost proves nothing. */
  async commit(
    mutations: WireMutation[],
    whole = false,
  ): Promise<readonly WireMutationResult[] | 'conflict' | 'refused'> {
    try {
      return await this.connection.commit(
        whole
          ? { mode: 'TRANSACTIONAL', singleUseTransaction: { readWrite: {} }, mutations }
          : { mode: 'NON_TRANSACTIONAL', mutations },
      );
    } catch (thrown) {
      const failure = failureOf(thrown);
      if (failure === 'conflict' || failure === 'contention') return 'conflict';
      if (failure === 'refused') return 'refused';
      throw thrown;
    }
  }

  /** The `n` of each, and its version. */
  async read(...names: string[]): Promise<{ n: number; version: string }[]> {
    const keys = names.map((name) => keyToWire(this.connection, this.key(name)));
    const found = await lookup(this.connection, keys);
    return keys.map((each) => {
      const result = found.get(idOf(each));
      return { n: Number(result?.entity.properties['n']?.integerValue ?? 0), version: result?.version ?? '0' };
    });
  }

  /** Best effort: what is left, a later probe removes. */
  async clear(): Promise<void> {
    const mutations = [...this.#made.values()].map((each): WireMutation => ({ delete: each }));
    if (mutations.length === 0) return;
    await this.connection.commit({ mode: 'NON_TRANSACTIONAL', mutations }).catch(() => undefined);
  }
}

/** Every condition that the fast way relies on, all in one batch: those that hold are applied, and the others skipped. */
async function honoursEach(bench: Bench): Promise<boolean> {
  const at = (name: string, n: number, baseVersion: string): WireMutation => {
    return { upsert: bench.entity(name, n), baseVersion };
  };
  const made = await bench.commit(['a', 'b', 'c', 'd', 'gone'].map((name) => at(name, 1, '0')));
  if (!allApplied(made)) return false;
  const [a, , , , gone] = made.map(({ version }) => version);
  const deleted = await bench.commit([{ delete: bench.entity('gone', 1).key, baseVersion: gone! }]);
  if (!allApplied(deleted)) return false;
  const second = await bench.commit([
    at('a', 2, a!),
    at('b', 2, NEVER),
    { delete: bench.entity('c', 1).key, baseVersion: NEVER },
    at('d', 2, '0'),
    at('e', 2, NEVER),
    at('gone', 2, '0'),
  ]);
  const lost = [false, true, true, true, true, false];
  if (!isAnswer(second) || second.some(({ conflictDetected }, i) => conflictDetected !== lost[i])) return false;
  const seen = await bench.read('a', 'b', 'c', 'd', 'e', 'gone');
  if (seen.map(({ n }) => n).join() !== '2,1,1,1,0,2') return false;
  return oneWins(bench, (n) => bench.commit([at('a', n, seen[0]!.version)]));
}

/** The same in transactions: one condition that does not hold keeps all of it back. */
async function honoursWhole(bench: Bench): Promise<boolean> {
  const write = (name: string, n: number, baseVersion: string): WireMutation => {
    return { upsert: bench.entity(name, n), baseVersion, conflictResolutionStrategy: 'FAIL' };
  };
  const insert = (name: string): WireMutation => ({ insert: bench.entity(name, 1) });
  const made = await bench.commit([insert('w'), insert('x'), insert('y')], true);
  if (!allApplied(made)) return false;
  const [w, x] = made.map(({ version }) => version);
  const remove: WireMutation = {
    delete: bench.entity('x', 1).key,
    baseVersion: x!,
    conflictResolutionStrategy: 'FAIL',
  };
  const losing = [
    [insert('z'), write('w', 2, NEVER)],
    [insert('z'), { ...remove, baseVersion: NEVER }],
    [insert('z'), insert('y')],
    [insert('z'), write('v', 2, NEVER)],
  ];
  for (const mutations of losing) if ((await bench.commit(mutations, true)) !== 'conflict') return false;
  if (!allApplied(await bench.commit([write('w', 2, w!), remove], true))) return false;
  if (!allApplied(await bench.commit([insert('x')], true))) return false;
  const seen = await bench.read('w', 'x', 'y', 'z', 'v');
  if (seen.map(({ n }) => n).join() !== '2,1,1,0,0') return false;
  return oneWins(bench, (n) => bench.commit([write('w', n, seen[0]!.version)], true));
}

type Answer = Awaited<ReturnType<Bench['commit']>>;
const isAnswer = (answer: Answer): answer is readonly WireMutationResult[] => typeof answer !== 'string';
const allApplied = (answer: Answer): answer is readonly WireMutationResult[] =>
  isAnswer(answer) && answer.every(({ conflictDetected }) => !conflictDetected);

/** A condition that is checked before the write and not with it holds for all rivals at once. */
async function oneWins(_: Bench, attempt: (n: number) => Promise<Answer>): Promise<boolean> {
  const answers = await Promise.all(Array.from({ length: RIVALS }, (__, i) => attempt(10 + i)));
  return answers.filter(allApplied).length <= 1;
}

async function groupsOf(bench: Bench): Promise<number> {
  const inserts = Array.from({ length: MANY_GROUPS }, (_, i): WireMutation => ({ insert: bench.entity(`g${i}`, 1) }));
  if (isAnswer(await bench.commit(inserts, true))) return Number.POSITIVE_INFINITY;
  return isAnswer(await bench.commit(inserts.slice(1), true)) ? MANY_GROUPS - 1 : 1;
}

/** Asks for keys that are not there: what counts is whether the question is taken. */
async function keysTogether(connection: Connection): Promise<number> {
  const keys = Array.from({ length: MANY_GROUPS }, (_, i) => keyToWire(connection, key(KIND, `none.${i}`)));
  const isTaken = async (some: WireKey[]) => {
    try {
      await connection.lookup({ keys: some, readOptions: { newTransaction: { readOnly: {} } } });
      return true;
    } catch (error) {
      if (error instanceof HandoverError && error.facts['failure'] === 'refused') return false;
      throw error;
    }
  };
  if (await isTaken(keys)) return Number.POSITIVE_INFINITY;
  return (await isTaken(keys.slice(1))) ? MANY_GROUPS - 1 : 0;
}

async function missesFreshRows(bench: Bench): Promise<boolean> {
  const rows = Array.from({ length: FRESH_ROWS }, (_, i) => bench.entity(`r${String(i).padStart(3, '0')}`, 1));
  await bench.commit(rows.map((upsert) => ({ upsert })));
  const range = { namespace: '', kind: KIND, after: bench.key('r'), until: bench.key('s') };
  const query = { ...queryOf(bench.connection, range)!, projection: KEYS_ONLY };
  let seen = 0;
  for await (const batch of answersTo(bench.connection, '', query, 2 * FRESH_ROWS)) seen += batch.length;
  return seen < FRESH_ROWS;
}

/** Some databases take queries in a transaction and show what was written since, some refuse them, and some let nobody write. */
async function holdsMoments(bench: Bench): Promise<boolean> {
  const { connection } = bench;
  await bench.commit([{ upsert: bench.entity('m1', 1) }, { upsert: bench.entity('m2', 1) }]);
  const range = { namespace: '', kind: KIND, after: bench.key('m'), until: bench.key('n') };
  const numbers = async (transaction: Uint8Array) => {
    const { entities } = await scan(connection, range, 10, transaction);
    return entities.map(({ content }) => String((content.properties.get('n') as { value?: bigint })?.value)).join();
  };
  const begun = bench.clock.ticks();
  let transaction: Uint8Array | undefined;
  try {
    transaction = await connection.beginReadOnly();
    const before = await numbers(transaction);
    const [looked] = await readIn(connection, [bench.key('m1')], transaction);
    const wrote = await bench.commit([{ upsert: bench.entity('m1', 2) }, { delete: bench.entity('m2', 1).key }]);
    const isFree = allApplied(wrote) && bench.clock.ticks() - begun < LIMITS.momentProbeMs;
    return isFree && looked !== undefined && before === '1,1' && (await numbers(transaction)) === before;
  } catch {
    // Whatever is wrong with it: invariants can be taken without.
    return false;
  } finally {
    if (transaction) await connection.rollback(transaction).catch(() => undefined);
  }
}

async function keepsOrder(bench: Bench): Promise<boolean> {
  const values: WireValue[] = [{ integerValue: '1', excludeFromIndexes: true }, { integerValue: '2' }];
  const entity = bench.entity('order', 1, { list: { arrayValue: { values } } });
  await bench.commit([{ upsert: entity }]);
  const found = (await lookup(bench.connection, [entity.key])).get(idOf(entity.key));
  return found?.entity.properties['list']?.arrayValue?.values[0]?.integerValue === '1';
}
