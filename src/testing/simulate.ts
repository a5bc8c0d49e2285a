import { Choices } from './choices.ts';
import { type Run, run } from './run.ts';
import type { Scenario } from './scenario.ts';
import { shrink } from './shrink.ts';
import type { Subjects } from './subject.ts';
import { Tally } from './tally.ts';

export interface SimulateOptions extends Subjects {
  /** How many seeds, from the first one on. */
  readonly seeds: number;
  /** Default: 1. */
  readonly first?: number;
  /** The one command that replays a seed. */
  readonly replay?: (seed: number) => string;
  /** Told after each seed. */
  readonly onSeed?: (seed: number) => void;
}

export interface SimulationReport {
  /** Seeds that were run: all of them, or up to the first that failed. */
  readonly seeds: number;
  readonly tally: Tally;
  readonly failure: SimulationFailure | undefined;
}

export interface SimulationFailure {
  readonly seed: number;
  /** Which invariant of docs/PROTOCOL.md was broken: `P1` to `P7`, `journal`, `verify`, `references`, `hooks`, `invariant` where one of the migration is broken; `thrown` for any other. */
  readonly invariant: string;
  /** The scenario and the steps of the simplest run that was found to fail in the same way. */
  readonly scenario: Scenario;
  readonly trace: readonly string[];
  /** All of it, for a person: the seed first, the command that replays it last. */
  readonly text: string;
}

/**
 * Runs a migration under many seeds: the engine's workers and the router, as they are, on a memory store, with clients
 * that read and write, an operator who changes his mind, and every fault of the fault model (docs/testing.md). Each seed is
 * another scenario, another order of calls and other faults, and always the same ones. Stops at the first that breaks an
 * invariant, and looks for a shorter run that breaks it too.
 */
export async function simulate(options: SimulateOptions): Promise<SimulationReport> {
  const { seeds, first = 1, onSeed } = options;
  const tally = new Tally();
  for (let seed = first; seed < first + seeds; seed++) {
    const choices = Choices.seeded(seed);
    const result = await run(options, choices);
    tally.add(result);
    onSeed?.(seed);
    if (result.violation) {
      const failure = await failureOf(options, seed, choices.given, result);
      return { seeds: seed - first + 1, tally, failure };
    }
  }
  return { seeds, tally, failure: undefined };
}

async function failureOf(
  options: SimulateOptions,
  seed: number,
  given: readonly number[],
  found: Run,
): Promise<SimulationFailure> {
  const { invariant } = found.violation!;
  const numbers = await shrink(
    given,
    async (choices) => (await run(options, choices)).violation?.invariant === invariant,
  );
  const simplest = await run(options, Choices.replayed(numbers));
  const { scenario, trace, violation } = simplest.violation ? simplest : found;
  const replay = options.replay?.(seed) ?? `simulate({ ..., first: ${seed}, seeds: 1 })`;
  const text = [
    `seed ${seed}`,
    `broken: ${violation!.message}`,
    `the simplest run that was found to break it (${trace.length} steps; it began as ${found.trace.length}):`,
    `  ${JSON.stringify(scenario)}`,
    ...trace.map((line) => `  ${line}`),
    `replay: ${replay}`,
  ].join('\n');
  return { seed, invariant, scenario, trace, text };
}
