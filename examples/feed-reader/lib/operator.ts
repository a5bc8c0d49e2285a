import { setTimeout as sleep } from 'node:timers/promises';
import { commands, type Migration, type Store, systemClock, type VerifyReport, verify, Worker } from 'handover';
import { number, type Screen } from './screen.ts';
import type { Step } from './steps.ts';

export interface OperatorOptions {
  readonly store: Store;
  readonly migration: Migration;
  readonly records: number;
  readonly screen: Screen;
  /** Aborts when the demo is to end before its time, or when one of its parts failed. */
  readonly signal: AbortSignal;
  /** Writes that the application was acknowledged so far. */
  readonly writes: () => number;
}

/** Who gives the commands, with one worker at hand. The commands only say what is wanted; the worker makes it so. */
export class Operator {
  readonly #options: OperatorOptions;
  readonly #context: commands.CommandContext;
  readonly #worker: Worker;
  readonly #enough = new AbortController();
  #working: Promise<void> | undefined;
  #moves: Record<string, number> = {};

  constructor(options: OperatorOptions) {
    const { store, migration } = options;
    this.#options = options;
    this.#context = { store, migrations: [migration], clock: systemClock, by: 'demo' };
    const events = {
      moved: (_: string, type: string, count: number) => {
        this.#moves[type] = (this.#moves[type] ?? 0) + count;
      },
    };
    this.#worker = new Worker({ store, migrations: [migration], clock: systemClock, events });
  }

  /** Rejects when the worker fails. */
  work(): Promise<void> {
    this.#working = this.#worker.run(this.#enough.signal);
    return this.#working;
  }

  /** Resolves when the page under way is done. */
  async stop(): Promise<void> {
    this.#enough.abort();
    await this.#working?.catch(() => {});
  }

  /** Gives the command, and waits until every record is where it is wanted. Resolves with the seconds that took. */
  async take(step: Step): Promise<number> {
    const { migration, records, screen, writes } = this.#options;
    const total = Math.round((records * step.share) / 100);
    const writesBefore = writes();
    const meanwhile = () => number(writes() - writesBefore);
    screen.line(screen.style('bold', `handover ${step.title}`));
    screen.line(screen.style('dim', `  ${step.meanwhile}`));
    const bar = screen.bar(total, 'records');
    const from = performance.now();
    this.#moves = {};
    await step.command(this.#context, migration.name);
    await this.#rest(() => bar.update(this.#moves[step.lastMove] ?? 0, `, ${meanwhile()} writes meanwhile`));
    const seconds = (performance.now() - from) / 1000;
    bar.finish(
      `  ${screen.style('green', '✓')} ${number(total)} records ${step.did} in ${seconds.toFixed(1)} s, ` +
        `${number(total / seconds)}/s; ${meanwhile()} writes meanwhile`,
    );
    return seconds;
  }

  /** The engine's own opinion, by its own full look. */
  async verify(): Promise<VerifyReport> {
    const { store, migration, records, screen, signal } = this.#options;
    screen.line(screen.style('bold', 'handover verify'));
    const bar = screen.bar(records, 'entities');
    const from = performance.now();
    const campaign = await commands.theCampaign(this.#context, migration.name);
    const report = await verify(store, migration, campaign, {
      clock: systemClock,
      signal,
      onProgress: (seen) => bar.update(seen),
    });
    const seconds = (performance.now() - from) / 1000;
    const verdict = report.clean ? `${screen.style('green', '✓')} clean` : `${screen.style('red', '✗')} not clean`;
    bar.finish(`  ${verdict}: ${number(report.seen)} entities looked at in ${seconds.toFixed(1)} s`);
    return report;
  }

  async #rest(onTick: () => void): Promise<void> {
    const { migration, signal } = this.#options;
    for (;;) {
      const { run, pausedBecause, settledAt, closed } = await commands.theCampaign(this.#context, migration.name);
      if (run === 'paused') throw new Error(`The campaign paused by itself: ${pausedBecause}.`);
      if (settledAt !== undefined || closed) return;
      onTick();
      await sleep(50, undefined, { signal });
    }
  }
}
