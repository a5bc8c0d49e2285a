import type { Target } from '../../machines/moves.ts';
import type { Capabilities } from '../store/store.ts';
import type { Choices } from './choices.ts';
import { FAULTS, type FaultKind, type Weather } from './faults.ts';
import type { Wish } from './history.ts';
import type { Habits } from './schedule.ts';

/** The kinds of store that a run may have: what the engine does otherwise on each is what the capability says. */
export const STORES: Readonly<Record<string, Partial<Capabilities>>> = {
  'commits of a group': { atomic: 'group' },
  'commits of anything': { atomic: 'any' },
  'no snapshots': { atomic: 'entity', snapshotReads: false, snapshotScans: false },
  'no guards': { atomic: 'group', guards: false, lateMs: 2_000 },
  'no guards, no snapshots': {
    atomic: 'entity',
    snapshotReads: false,
    snapshotScans: false,
    guards: false,
    lateMs: 2_000,
  },
  'scans that lag': { atomic: 'group', snapshotScans: false, scans: 'eventual' },
};

/** What an operator may change his mind to. */
export type Mind =
  | 'start'
  | 'switch'
  | 'switch half'
  | 'reverse'
  | 'reverse half'
  | 'upgrade'
  | 'pause'
  | 'resume'
  | 'complete'
  | 'cancel';

/** All of a run that is decided before it begins. */
export interface Scenario {
  readonly store: string;
  /** For each record whether it is there from the start. */
  readonly present: readonly boolean[];
  /** How many ranges each worker has in hand at once. */
  readonly workers: readonly number[];
  /** Whether workers look for their ranges, or are handed them. */
  readonly dispatch: 'local' | 'post';
  /** How many calls each client makes, and whether it moves what it uses. */
  readonly clients: readonly { readonly calls: number; readonly moves: 'never' | 'write' | 'read' }[];
  readonly begin: 'copied' | 'switched' | 'completed';
  readonly minds: readonly { readonly wait: Wait; readonly mind: Mind }[];
  /** Where all records are wanted at last. */
  readonly ending: Target;
  readonly habits: Habits;
  readonly weather: Weather;
}

/** How long somebody waits before what he does next: some milliseconds, or until a worker moves a record. */
export type Wait = number | 'move';

/** What a scenario is drawn from: each list as often as it says, one of a list as often as it stands there. */
export interface Space {
  /** Names of `STORES`. */
  readonly stores: readonly string[];
  readonly records: readonly number[];
  /** Per mille: how often a record is not there at the beginning. */
  readonly absent: number;
  readonly workers: readonly number[];
  readonly lanes: readonly number[];
  readonly dispatches: readonly Scenario['dispatch'][];
  readonly clients: readonly number[];
  /** How many calls a client makes. */
  readonly calls: readonly number[];
  /** What a client calls. */
  readonly wishes: readonly Wish['type'][];
  readonly moves: readonly Scenario['clients'][number]['moves'][];
  readonly begins: readonly Scenario['begin'][];
  /** How often the operator changes his mind. */
  readonly changes: readonly number[];
  readonly minds: readonly Mind[];
  readonly waits: readonly Wait[];
  readonly endings: readonly Target[];
  readonly stubborn: readonly number[];
  readonly stalled: readonly number[];
  readonly held: readonly number[];
  readonly heldWrites: readonly number[];
  /** Each of them is in every other scenario. */
  readonly faults: readonly FaultKind[];
  readonly recordFaults: readonly number[];
  readonly documentFaults: readonly number[];
}

/** All that may be. A search for one kind of mistake may look in a part of it. */
export const SPACE: Space = {
  stores: Object.keys(STORES),
  records: [1, 1, 2, 3],
  absent: 250,
  workers: [1, 2],
  lanes: [1, 1, 1, 2, 4],
  dispatches: ['local', 'local', 'post'],
  clients: [0, 1, 2],
  calls: [1, 2, 3, 4],
  wishes: ['get', 'get', 'update', 'update', 'put', 'insert', 'delete', 'delete'],
  moves: ['never', 'write', 'read'],
  begins: ['copied', 'switched', 'completed'],
  changes: [0, 1, 1, 2, 3],
  minds: ['start', 'switch', 'reverse', 'switch half', 'reverse half', 'pause', 'resume', 'complete', 'cancel'],
  waits: [0, 'move', 'move', 'move', 1, 50, 300, 6_000],
  endings: ['completed', 'home', 'switched', 'copied'],
  stubborn: [0, 500, 900],
  stalled: [0, 5, 50, 300],
  held: [0],
  heldWrites: [0],
  faults: FAULTS,
  recordFaults: [0, 10, 50, 200],
  documentFaults: [0, 0, 5, 40],
};

/** Of a migration that has a next version. */
export const UPGRADES: Space = {
  ...SPACE,
  changes: [1, 1, 2, 3],
  minds: [...SPACE.minds, 'upgrade', 'upgrade', 'upgrade', 'upgrade'],
};

const CLOSING: readonly Mind[] = ['complete', 'cancel', 'upgrade'];

const times = <T>(n: number, make: () => T): T[] => Array.from({ length: n }, make);

/**
 * Where scans lag for longer than the engine is told, nothing proves that all was seen: so not while a campaign closes, or is
 * upgraded.
 */
export function scenarioOf(choices: Choices, records: number, space: Space): Scenario {
  const store = choices.of(space.stores);
  const present = times(Math.min(choices.of(space.records), records), () => !choices.happens(space.absent));
  const workers = times(choices.of(space.workers), () => choices.of(space.lanes));
  const clients = times(choices.of(space.clients), () => ({
    calls: choices.of(space.calls),
    moves: choices.of(space.moves),
  }));
  const begin = choices.of(space.begins);
  const minds = times(choices.of(space.changes), () => ({
    wait: choices.of(space.waits),
    mind: choices.of(space.minds),
  }));
  const ending = choices.of(space.endings);
  const habits = {
    stubborn: choices.of(space.stubborn),
    stalled: choices.of(space.stalled),
    held: choices.of(space.held),
    heldWrites: choices.of(space.heldWrites),
  };
  const closes = begin === 'completed' || minds.some(({ mind }) => CLOSING.includes(mind));
  const kinds = space.faults.filter((kind) => choices.below(2) === 1 && !(kind === 'stale' && closes));
  const perMille = { records: choices.of(space.recordFaults), documents: choices.of(space.documentFaults) };
  const weather = { perMille, kinds };
  const dispatch = choices.of(space.dispatches);
  return { store, present, workers, dispatch, clients, begin, minds, ending, habits, weather };
}
