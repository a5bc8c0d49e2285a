import type { Target } from '../../machines/moves.ts';
import type { Capabilities } from '../store/store.ts';
import type { Choices } from './choices.ts';
import { FAULTS, type Weather } from './faults.ts';
import type { Habits } from './schedule.ts';

/** The kinds of store that a run may have: what the engine does otherwise on each is what the capability says. */
export const STORES: Readonly<Record<string, Partial<Capabilities>>> = {
  'commits of a group': { atomic: 'group' },
  'commits of anything': { atomic: 'any' },
  'no snapshots': { atomic: 'entity', snapshotReads: false },
  'no guards': { atomic: 'group', guards: false, lateMs: 2_000 },
  'no guards, no snapshots': { atomic: 'entity', snapshotReads: false, guards: false, lateMs: 2_000 },
  'scans that lag': { atomic: 'group', scans: 'eventual' },
};

/** What an operator may change his mind to. */
export type Mind =
  | 'start'
  | 'switch'
  | 'switch half'
  | 'reverse'
  | 'reverse half'
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
  /** How many calls each client makes, and whether it moves what it uses. */
  readonly clients: readonly { readonly calls: number; readonly moves: 'never' | 'write' | 'read' }[];
  readonly begin: 'copied' | 'switched' | 'completed';
  readonly minds: readonly { readonly wait: Wait; readonly mind: Mind }[];
  /** Where all records are wanted at last. */
  readonly ending: Target;
  readonly habits: Habits;
  readonly weather: Weather;
}

const MINDS: readonly Mind[] = [
  'start',
  'switch',
  'reverse',
  'switch half',
  'reverse half',
  'pause',
  'resume',
  'complete',
  'cancel',
];
/** How long somebody waits before what he does next: some milliseconds, or until a worker moves a record. */
export type Wait = number | 'move';
export const WAITS: readonly Wait[] = [0, 'move', 'move', 'move', 1, 50, 300, 6_000];

const upTo = (choices: Choices, least: number, most: number) => least + choices.below(most - least + 1);
const times = <T>(n: number, make: () => T): T[] => Array.from({ length: n }, make);

/** Where scans lag for longer than the engine is told, nothing proves that all was seen: so not while a campaign closes. */
export function scenarioOf(choices: Choices, records: number): Scenario {
  const store = choices.of(Object.keys(STORES));
  const present = times(Math.min(choices.of([1, 1, 2, 3]), records), () => !choices.happens(250));
  const workers = times(upTo(choices, 1, 2), () => choices.of([1, 1, 1, 2, 4]));
  const clients = times(upTo(choices, 0, 2), () => ({
    calls: upTo(choices, 1, 4),
    moves: choices.of(['never', 'write', 'read'] as const),
  }));
  const begin = choices.of(['copied', 'switched', 'completed'] as const);
  const minds = times(choices.of([0, 1, 1, 2, 3]), () => ({ wait: choices.of(WAITS), mind: choices.of(MINDS) }));
  const ending = choices.of(['completed', 'home', 'switched', 'copied'] as const);
  const habits = { stubborn: choices.of([0, 500, 900]), stalled: choices.of([0, 5, 50, 300]) };
  const closes = begin === 'completed' || minds.some(({ mind }) => mind === 'complete' || mind === 'cancel');
  const kinds = FAULTS.filter((kind) => choices.below(2) === 1 && !(kind === 'stale' && closes));
  const perMille = { records: choices.of([0, 10, 50, 200]), documents: choices.of([0, 0, 5, 40]) };
  const weather = { perMille, kinds };
  return { store, present, workers, clients, begin, minds, ending, habits, weather };
}
