import type { Run } from './run.ts';
import { ALL_MOVES } from './watchedMoves.ts';

type Counts = Record<string, number>;

/** What a number of runs have covered. */
export class Tally {
  runs = 0;
  /** Calls to stores. */
  calls = 0;
  /** How often each move was made from each state: `copied cede S`. */
  readonly moves: Counts = {};
  /** How often each fault struck each kind of call: `lost.after commit`. */
  readonly faults: Counts = {};
  /** How often each call of a client got each kind of answer: `insert did true`. */
  readonly answers: Counts = {};
  /** How many runs had each kind of store, beginning and end. */
  readonly scenarios: Counts = {};

  add({ scenario, steps, moves, faults, answers }: Run): void {
    this.runs++;
    this.calls += steps;
    for (const [name, count] of moves) addTo(this.moves, name, count);
    for (const [name, count] of faults) addTo(this.faults, name, count);
    for (const [name, count] of answers) addTo(this.answers, name, count);
    const { store, begin, ending, minds } = scenario;
    for (const name of [`on ${store}`, `from ${begin}`, `to ${ending}`]) addTo(this.scenarios, name, 1);
    for (const { mind } of minds) addTo(this.scenarios, `said ${mind}`, 1);
  }

  /** Adds what another process has counted. */
  merge(other: Pick<Tally, 'runs' | 'calls' | 'moves' | 'faults' | 'answers' | 'scenarios'>): void {
    this.runs += other.runs;
    this.calls += other.calls;
    for (const part of ['moves', 'faults', 'answers', 'scenarios'] as const) {
      for (const [name, count] of Object.entries(other[part])) addTo(this[part], name, count);
    }
  }

  /** The moves of the record machine that no run has made. */
  get movesNotMade(): readonly string[] {
    return ALL_MOVES.filter((name) => !this.moves[name]);
  }
}

const addTo = (counts: Counts, name: string, count: number): void => {
  counts[name] = (counts[name] ?? 0) + count;
};
