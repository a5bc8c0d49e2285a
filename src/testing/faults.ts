import { isControl } from '../engine/documents.ts';
import type { Key } from '../record/key.ts';
import { type Fault, memoryStore } from '../store/memory.ts';
import type { MemoryData } from '../store/memoryData.ts';
import type { Capabilities, Store } from '../store/store.ts';
import type { Choices } from './choices.ts';
import { never, type Process } from './schedule.ts';

/**
 * The fault model. What may befall a call of a process, and nothing else may:
 * - `crash.before`, `crash.after`: the process ends with the call under way, which was not applied, or was
 * - `crash.late`: it ends, and its commit is applied later, in the middle of whatever comes then
 * - `lost.before`, `lost.after`: the answer is lost; the call was not applied, or was
 * - `lost.late`: the deadline passes, and the commit is applied later
 * - `slow`: the answer of a read arrives late, so that what it says is old
 * - `stale`: a scan or a find shows the data of some writes ago, where the store's scans may lag
 * - `conflict`: one compare-and-set of a commit loses although its version is right
 * - `contended`, `exhausted`: the store takes one mutation, or the call, not now
 * - `jump`: somebody sets the clock of the process
 * A call that merely waits is no fault: any call may, for as long as the store's `lateMs` allows.
 */
export const FAULTS = [
  'crash.before',
  'crash.after',
  'crash.late',
  'lost.before',
  'lost.after',
  'lost.late',
  'slow',
  'stale',
  'conflict',
  'contended',
  'exhausted',
  'jump',
] as const;
export type FaultKind = (typeof FAULTS)[number];

type Op = 'scan' | 'split' | 'read' | 'readTogether' | 'find' | 'commit' | 'commitTogether';
const COMMITS: readonly Op[] = ['commit', 'commitTogether'];
const READS: readonly Op[] = ['scan', 'read', 'readTogether', 'find'];

const fits = (kind: FaultKind, op: Op, { scans }: Capabilities): boolean => {
  switch (kind) {
    case 'crash.late':
    case 'lost.late':
    case 'conflict':
    case 'contended':
    case 'exhausted':
      return COMMITS.includes(op);
    case 'slow':
      return READS.includes(op);
    case 'stale':
      return scans === 'eventual' && (op === 'scan' || op === 'find');
    default:
      return true;
  }
};

/** What a seed says of its faults. */
export interface Weather {
  /** Faults per thousand calls about records, and about the engine's own documents. */
  readonly perMille: { readonly records: number; readonly documents: number };
  readonly kinds: readonly FaultKind[];
}

/** What all processes of a run have over them. */
export interface Sky {
  readonly choices: Choices;
  /** May change: faults end. */
  weather: Weather;
  /** Told of each fault, before it strikes. */
  readonly onFault: (process: Process, kind: FaultKind, op: Op) => void;
  /** Told before a call is applied. */
  readonly onCall: (process: Process) => void;
  /** A commit that is on its way without anybody who waits for it. */
  readonly landing: Set<Promise<void>>;
}

/** A memory store to whose next call something happens, if that is said right before it. */
export function struckStore(data: MemoryData, capabilities: Partial<Capabilities>) {
  let next: Fault | undefined;
  const take = () => {
    const fault = next;
    next = undefined;
    return fault;
  };
  const strike = (fault: Fault | undefined) => {
    next = fault;
  };
  return { inner: memoryStore({ data, capabilities, fault: take }), strike };
}

/**
 * The store as one process has it: a memory store each call of which waits for its turn, and may meet a fault.
 * `sky.weather` is looked at for each call: faults end when it says so.
 */
export function faultyStore(process: Process, data: MemoryData, capabilities: Partial<Capabilities>, sky: Sky): Store {
  const { inner, strike } = struckStore(data, capabilities);
  const { guards, lateMs, snapshotReads } = inner.capabilities;
  const landsWithinMs = guards ? Number.POSITIVE_INFINITY : lateMs;
  const { choices } = sky;

  /** `commit`: how many outcomes it has, and what it answers when nobody knows. */
  async function call<R>(
    op: Op,
    kind: string,
    act: () => Promise<R>,
    commit?: { readonly size: number; readonly lost: () => R },
  ): Promise<R> {
    const handedIn = process.clock.ticks();
    await process.turn(
      commit ? landsWithinMs : Number.POSITIVE_INFINITY,
      commit && !isControl(kind) ? 'write' : 'plainly',
    );
    const fault = faultFor(op, kind);
    sky.onCall(process);
    if (fault?.endsWith('.late')) sky.landing.add(land(act, landsWithinMs - (process.clock.ticks() - handedIn)));
    if (fault?.startsWith('crash')) {
      process.die();
      if (fault === 'crash.after') await act();
      return never();
    }
    if (fault === 'lost.late') return commit!.lost();
    if (fault === 'jump') process.jump((choices.below(2) ? 1 : -1) * choices.of(JUMPS_MS));
    strike(faultOf(fault, commit?.size ?? 0));
    const answer = await act();
    if (fault === 'slow') await process.turn(Number.POSITIVE_INFINITY, 'late');
    return answer;
  }

  function faultFor(op: Op, kind: string): FaultKind | undefined {
    const { perMille, kinds } = sky.weather;
    if (!choices.happens(isControl(kind) ? perMille.documents : perMille.records)) return undefined;
    const fault = choices.of(kinds.filter((each) => fits(each, op, inner.capabilities)));
    if (fault) sky.onFault(process, fault, op);
    return fault;
  }

  function faultOf(kind: FaultKind | undefined, size: number): Fault | undefined {
    switch (kind) {
      case 'lost.before':
        return { kind: 'lost', applied: false };
      case 'lost.after':
        return { kind: 'lost' };
      case 'stale':
        return { kind: 'stale', writes: 1 + choices.below(20) };
      case 'conflict':
        return { kind: 'conflict', index: choices.below(size) };
      case 'contended':
        return { kind: 'busy', why: 'contention', indexes: [choices.below(size)] };
      case 'exhausted':
        return { kind: 'busy', why: 'exhausted' };
      default:
        return undefined;
    }
  }

  /** The commit, at a moment of its own. */
  async function land(act: () => Promise<unknown>, withinMs: number): Promise<void> {
    await process.abandoned(withinMs);
    sky.onCall(process);
    await act();
  }

  const read = (keys: readonly Key[]) => call('read', kindOf(keys[0]), () => inner.read(keys));
  const unknown = (outcomes: readonly unknown[]) => ({
    size: outcomes.length,
    lost: () => outcomes.map(() => UNKNOWN),
  });
  return {
    capabilities: inner.capabilities,
    scan: (range, limit) => call('scan', range.kind, () => inner.scan(range, limit)),
    split: (range, n, finer) => call('split', range.kind, () => inner.split(range, n, finer)),
    // Without snapshots each key is read at a moment of its own, in any order.
    read: (keys) =>
      snapshotReads || keys.length <= 1 || keys.length > TORN_KEYS
        ? read(keys)
        : Promise.all(keys.map(async (key) => (await read([key]))[0])),
    readTogether: (keys) => call('readTogether', kindOf(keys[0]), () => inner.readTogether(keys)),
    atOneMoment: async (run) => {
      await process.turn(Number.POSITIVE_INFINITY, 'plainly');
      sky.onCall(process);
      return inner.atOneMoment((view) =>
        run({
          scan: (range, limit) => call('scan', range.kind, () => view.scan(range, limit)),
          read: (keys) => call('read', kindOf(keys[0]), () => view.read(keys)),
        }),
      );
    },
    find: (range, ...rest) => call('find', range.kind, () => inner.find(range, ...rest)),
    commit: (mutations, guard) =>
      call('commit', kindOf(mutations[0]?.key), () => inner.commit(mutations, guard), unknown(mutations)),
    commitTogether: (units, guard) =>
      call('commitTogether', kindOf(units[0]?.[0]?.key), () => inner.commitTogether(units, guard), unknown(units)),
    overwrite: (...args) => inner.overwrite(...args),
    close: () => inner.close(),
  };
}

const kindOf = (key: Key | undefined): string => key?.path.at(-1)?.kind ?? '';

const UNKNOWN = { status: 'unknown', cause: 'it is on its way still' } as const;

/** By how much clocks are set: a little, more than a look may be old, and more than any claim lasts. */
const JUMPS_MS = [50, 6_000, 90_000] as const;

/** Reads of at most so many keys may be torn: pairs of records are; documents are read by the dozen. */
const TORN_KEYS = 8;
