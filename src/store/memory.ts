import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Key } from '../record/key.ts';
import { kindsIn, pieceCount, piecesOf } from './bounds.ts';
import { checkEntity, checkGuard, checkKey, checkMutations, checkUnits, refuseTwice } from './check.ts';
import { MemoryData } from './memoryData.ts';
import type { PriceList } from './prices.ts';
import { isFound, termOf } from './property.ts';
import type {
  Busy,
  Capabilities,
  Entity,
  Finer,
  Guard,
  Mutation,
  Outcome,
  Page,
  Store,
  UnitOutcome,
  Version,
} from './store.ts';

export { MemoryData } from './memoryData.ts';

export interface StoreCall {
  readonly op: Exclude<keyof Store, 'capabilities' | 'prices' | 'close'>;
  /** How many calls this store got before. */
  readonly index: number;
  /** What is read or written; none for a range. */
  readonly keys: readonly Key[];
  /** What is asked to be written; the units of `commitTogether` one after the other. */
  readonly mutations: readonly Mutation[];
}

/** What a test lets happen to one call. A hook that is slow to answer delays the call: so calls are put in an order. */
export type Fault =
  /** The process dies: this call and every later one of this store throw `Crash`. `after`: the call was applied. */
  | { readonly kind: 'crash'; readonly when: 'before' | 'after' }
  /** The answer is lost: every outcome is `unknown`, a read throws `store.unknown`. Applied unless `applied: false`. */
  | { readonly kind: 'lost'; readonly applied?: boolean }
  /** A scan or find sees the data as it was that many writes ago. */
  | { readonly kind: 'stale'; readonly writes: number }
  /** The mutation or unit of this index loses, although its versions are right. */
  | { readonly kind: 'conflict'; readonly index: number }
  /** The mutations or units of these indexes, or all of the call, are not applied and are to be tried again. */
  | { readonly kind: 'busy'; readonly why: Busy['why']; readonly indexes?: readonly number[] };

/** Not a `HandoverError`: no code of the engine may know it. */
export class Crash extends Error {
  override readonly name = 'Crash';
}

export interface MemoryStoreOptions {
  /** Hand the same data to several stores: several workers on one data set. */
  readonly data?: MemoryData;
  readonly fault?: (call: StoreCall) => Promise<Fault | undefined> | Fault | undefined;
  readonly capabilities?: Partial<Capabilities>;
  readonly prices?: PriceList;
}

const DEFAULTS: Capabilities = {
  name: 'memory',
  atomic: 'group',
  snapshotReads: true,
  maxTogether: LIMITS.pageSize,
  scans: 'strong',
  snapshotScans: true,
  finds: 'scanned',
  guards: true,
  lateMs: 0,
  warmsUp: false,
  maxMutations: LIMITS.pageSize,
  maxEntityBytes: LIMITS.entityBytes,
  maxKeyBytes: LIMITS.keyBytes,
};

/** A store for tests. Everything that a call does happens at one moment, after its fault hook has answered. */
export function memoryStore(options: MemoryStoreOptions = {}): Store & { readonly data: MemoryData } {
  const data = options.data ?? new MemoryData();
  const capabilities = { ...DEFAULTS, ...options.capabilities };
  const { call, close } = gate(options);
  const read = (op: 'read' | 'readTogether', keys: readonly Key[]) =>
    call({ op, keys }, () => keys.map((key) => data.get(key)));

  return {
    data,
    capabilities,
    ...(options.prices ? { prices: options.prices } : {}),
    close,
    scan: (range, limit) => call({ op: 'scan' }, (fault) => page(data.walk(range, staleness(fault)), limit)),
    split: (range, n, finer) => call({ op: 'split' }, () => piecesOf(range, cuts([...data.walk(range)], n, finer))),
    read: (keys) => read('read', keys),
    readTogether: async (keys) => {
      if (!capabilities.snapshotReads) throw new RangeError(`${capabilities.name} has no snapshot reads.`);
      return read('readTogether', keys);
    },
    atOneMoment: async (run) => {
      if (!capabilities.snapshotScans) throw new RangeError(`${capabilities.name} has no snapshot scans.`);
      const then = await call({ op: 'atOneMoment' }, () => data.copy());
      return run({
        scan: (range, limit) => call({ op: 'scan' }, () => page(then.walk(range), limit)),
        read: (keys) => call({ op: 'read', keys }, () => keys.map((key) => then.get(key))),
      });
    },
    find: (range, property, value, limit) =>
      call({ op: 'find' }, (fault) => {
        const term = termOf(property, value);
        return page(matching(data.walk(range, staleness(fault)), property, term), limit);
      }),
    kinds: (namespace) => call({ op: 'kinds' }, () => [...kindsIn(namespace, (from) => data.firstKey(from))]),
    commit: async (mutations, guard) => {
      checkMutations(mutations, capabilities);
      checkGuard(guard, capabilities);
      refuseTwice(mutations);
      return call(
        { op: 'commit', keys: mutations.map(({ key }) => key), mutations },
        (fault) => {
          if (isFenced(data, guard)) return mutations.map(() => FENCED);
          return mutations.map((mutation, i) => commitOne(data, mutation, i, fault));
        },
        () => mutations.map(() => lost()),
      );
    },
    commitTogether: async (units, guard) => {
      checkUnits(units, capabilities);
      checkGuard(guard, capabilities);
      const mutations = units.flat();
      return call(
        { op: 'commitTogether', keys: mutations.map(({ key }) => key), mutations },
        (fault) => {
          if (isFenced(data, guard)) return units.map(() => FENCED);
          return units.map((unit, i) => commitUnit(data, unit, i, fault));
        },
        () => units.map(() => lost()),
      );
    },
    overwrite: async (puts, removes = []) => {
      for (const { key, content, slot } of puts) checkEntity(key, content, slot, capabilities);
      for (const key of removes) checkKey(key, capabilities);
      return call({ op: 'overwrite', keys: [...puts.map(({ key }) => key), ...removes] }, () => {
        for (const { key, content, slot } of puts) data.put(key, content, slot);
        for (const key of removes) data.remove(key);
      });
    },
  };
}

/** Every call passes here: it is counted, its fault is asked for, and it is applied, or not, at one moment. */
function gate({ fault: faultOf }: MemoryStoreOptions) {
  let index = 0;
  let state: 'open' | 'closed' | 'crashed' = 'open';

  const alive = () => {
    if (state === 'crashed') throw new Crash('This store’s process has crashed.');
  };
  const crash = (): never => {
    state = 'crashed';
    throw new Crash('This store’s process crashes now.');
  };
  async function call<T>(
    about: Pick<StoreCall, 'op'> & Partial<StoreCall>,
    apply: (fault: Fault | undefined) => T,
    unknown?: () => T,
  ): Promise<T> {
    alive();
    if (state === 'closed') throw new HandoverError('store.closed', 'The memory store was closed.');
    const fault = await faultOf?.({ keys: [], mutations: [], ...about, index: index++ });
    alive(); // it may have crashed in another call meanwhile
    if (fault?.kind === 'crash' && fault.when === 'before') crash();
    if (fault?.kind === 'lost' && fault.applied === false) return answerLost(about.op, unknown);
    const answer = apply(fault);
    if (fault?.kind === 'crash') crash();
    return fault?.kind === 'lost' ? answerLost(about.op, unknown) : answer;
  }
  const close = async () => {
    if (state === 'open') state = 'closed';
  };
  return { call, close };
}

function answerLost<T>(op: string, unknown: (() => T) | undefined): T {
  if (unknown) return unknown();
  throw new HandoverError('store.unknown', `The answer to ${op} was lost.`);
}

const FENCED = { status: 'fenced' } as const;
const isFenced = (data: MemoryData, guard: Guard | undefined): boolean =>
  guard !== undefined && data.get(guard.key)?.version !== guard.version;
const lost = () => ({ status: 'unknown', cause: 'the answer was lost' }) as const;
const staleness = (fault: Fault | undefined): number => (fault?.kind === 'stale' ? fault.writes : 0);
const loses = (fault: Fault | undefined, i: number): boolean => fault?.kind === 'conflict' && fault.index === i;

function busyWith(fault: Fault | undefined, i: number): Busy | undefined {
  if (fault?.kind !== 'busy' || fault.indexes?.includes(i) === false) return undefined;
  return { status: 'busy', why: fault.why, cause: 'the store is busy' };
}

function commitOne(data: MemoryData, mutation: Mutation, i: number, fault: Fault | undefined): Outcome {
  const busy = busyWith(fault, i);
  if (busy) return busy;
  if (loses(fault, i) || !data.holds(mutation)) return { status: 'conflict' };
  return { status: 'applied', version: data.apply(mutation) };
}

function commitUnit(data: MemoryData, unit: readonly Mutation[], i: number, fault: Fault | undefined): UnitOutcome {
  const busy = busyWith(fault, i);
  if (busy) return busy;
  if (loses(fault, i) || !unit.every((mutation) => data.holds(mutation))) return { status: 'conflict' };
  const versions: Version[] = unit.map((mutation) => data.apply(mutation));
  return { status: 'applied', versions };
}

function page(entities: Iterable<Entity>, limit: number): Page {
  const found: Entity[] = [];
  for (const entity of entities) {
    if (found.length === limit) return { entities: found, more: true };
    found.push(entity);
  }
  return { entities: found, more: false };
}

function* matching(entities: Iterable<Entity>, property: string, term: Buffer): Generator<Entity> {
  for (const entity of entities) if (isFound(entity.content, property, term)) yield entity;
}

function cuts(entities: readonly Entity[], n: number, finer: Finer | undefined): Key[] {
  const pieces = pieceCount(entities.length, n, finer);
  return Array.from(
    { length: pieces - 1 },
    (_, i) => entities[Math.ceil(((i + 1) * entities.length) / pieces) - 1]!.key,
  );
}
