import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client';
import type { Clock } from '../../clock.ts';
import { isControl } from '../../engine/documents.ts';
import type { WorkerEvents } from '../../engine/worker.ts';
import { aroundCalls } from '../../store/around.ts';
import type { Mutation, Outcome, Store, UnitOutcome } from '../../store/store.ts';

/** Upper ends of buckets in seconds: from a local store's calls to those of a service that is in trouble. */
const BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/**
 * What this process counts itself, as it happens. What is true of a campaign, whichever process works on it, is not here:
 * see gauges.ts. Every name is in docs/monitoring.md.
 */
export class Metrics {
  readonly registry = new Registry();
  readonly #clock: Pick<Clock, 'ticks'>;
  readonly #moves = this.#counter('moves_total', 'Moves made by the worker of this process', ['campaign', 'move']);
  readonly #sweeps = this.#counter('sweeps_total', 'Sweeps that this worker ended', ['campaign', 'clean']);
  readonly #hooks = this.#counter('hooks_total', 'Calls of hooks by this worker', ['campaign', 'hook', 'result']);
  readonly #falters = this.#counter(
    'falters_total',
    'Times that the store did not answer this worker, which looks again',
  );
  readonly #calls = this.#counter('store_calls_total', 'Store calls of this process', ['call', 'result']);
  readonly #conflicts = this.#counter(
    'conflicts_total',
    'Mutations that were not applied, as something else stood there',
    ['of'],
  );
  readonly #retries = this.#counter('retries_total', 'Mutations that are tried or looked at again', ['why']);
  readonly #seconds: Histogram<'call'>;

  constructor(clock: Pick<Clock, 'ticks'>) {
    this.#clock = clock;
    this.#seconds = new Histogram({
      name: 'handover_store_call_seconds',
      help: 'How long store calls of this process took',
      labelNames: ['call'],
      buckets: BUCKETS,
      registers: [this.registry],
    });
    // There from the beginning: what never happened is 0, not missing.
    for (const of of ['record', 'guess', 'control']) this.#conflicts.inc({ of }, 0);
    for (const why of ['contention', 'exhausted', 'lost']) this.#retries.inc({ why }, 0);
    collectDefaultMetrics({ register: this.registry });
  }

  /** For the worker of this process. */
  get events(): WorkerEvents {
    return {
      moved: (campaign, move, n) => this.#moves.inc({ campaign, move }, n),
      swept: ({ id }, _counts, clean) => this.#sweeps.inc({ campaign: id, clean: String(clean) }),
      hooked: ({ campaign, hook, cause }) =>
        this.#hooks.inc({ campaign, hook, result: cause === undefined ? 'done' : 'failed' }),
      faltered: () => this.#falters.inc(),
    };
  }

  /** The same store, with its calls counted and timed. */
  watched(store: Store): Store {
    return aroundCalls(this.#judged(store), async ({ call }, act) => {
      const began = this.#clock.ticks();
      let result: 'answered' | 'failed' = 'failed';
      try {
        const answer = await act();
        result = 'answered';
        return answer;
      } finally {
        this.#calls.inc({ call, result });
        this.#seconds.observe({ call }, (this.#clock.ticks() - began) / 1000);
      }
    });
  }

  /** The same store, with what became of mutations counted. */
  #judged(store: Store): Store {
    const judged = <O extends Outcome | UnitOutcome>(
      firsts: readonly (Mutation | undefined)[],
      outcomes: readonly O[],
    ) => {
      for (const [i, outcome] of outcomes.entries()) this.#counted(firsts[i], outcome);
      return outcomes;
    };
    return {
      ...store,
      commit: async (mutations, guard) => judged(mutations, await store.commit(mutations, guard)),
      commitTogether: async (units, guard) => {
        const firsts = units.map(([first]) => first);
        return judged(firsts, await store.commitTogether(units, guard));
      },
    };
  }

  #counted(mutation: Mutation | undefined, outcome: Outcome | UnitOutcome): void {
    if (outcome.status === 'conflict') this.#conflicts.inc({ of: conflictOf(mutation) });
    if (outcome.status === 'busy') this.#retries.inc({ why: outcome.why });
    if (outcome.status === 'unknown') this.#retries.inc({ why: 'lost' });
  }

  #counter<L extends string>(name: string, help: string, labelNames: readonly L[] = []): Counter<L> {
    return new Counter({ name: `handover_${name}`, help, labelNames: [...labelNames], registers: [this.registry] });
  }
}

/** A record is inserted as a copy, mostly without a look whether something stands there: the insert is the look. */
function conflictOf(mutation: Mutation | undefined): 'record' | 'guess' | 'control' {
  if (mutation && isControl(mutation.key.path[0]!.kind)) return 'control';
  return mutation?.op === 'insert' ? 'guess' : 'record';
}
