import { setTimeout as sleep } from 'node:timers/promises';
import { commands, type Migration, type Store, systemClock, type VerifyReport, verify } from 'handover';
import type { ReadersProcess } from './readersProcess.ts';
import { number, type Screen } from './screen.ts';
import type { Step } from './steps.ts';
import type { WorkerProcess } from './workerProcess.ts';

export interface OperatorOptions {
  readonly store: Store;
  readonly migration: Migration;
  readonly records: number;
  readonly screen: Screen;
  /** Aborts when the demo is to end before its time, or when one of its parts failed. */
  readonly signal: AbortSignal;
  readonly worker: WorkerProcess;
  readonly readers: ReadersProcess;
  /** Operations a second, at most. Unset: as fast as it goes. */
  readonly ceiling?: number | undefined;
}

/** Who gives the commands. They only write down what is wanted; the worker, in its own process, makes it so. */
export class Operator {
  readonly #options: OperatorOptions;
  readonly #context: commands.CommandContext;

  /** A share is a share of hashes, not an exact part: how many records it was is known when they are home. */
  #half: number | undefined;

  constructor(options: OperatorOptions) {
    const { store, migration } = options;
    this.#options = options;
    this.#context = { store, migrations: [migration], clock: systemClock, by: 'demo' };
  }

  /** Gives the command, and waits until every record is where it is wanted. Resolves with the seconds that took. */
  async take(step: Step): Promise<number> {
    const { migration, records, screen, worker, readers } = this.#options;
    let total = step.share === 100 ? records : (this.#half ?? Math.round(records / 2));
    const before = { requests: readers.requests, moved: worker.moved(step.lastMove) };
    const requests = () => `${number(readers.requests - before.requests)} requests`;
    screen.line(screen.style('bold', `handover ${step.title}`));
    screen.line(screen.style('dim', `  ${step.meanwhile}`));
    const bar = screen.bar(total, 'records');
    const from = performance.now();
    await step.command(this.#context, migration.name, this.#options.ceiling);
    await this.#rest(({ sweep, run }) => {
      const again = run === 'paused' ? 'paused' : sweep > 1 ? `looking again (${sweep})` : undefined;
      bar.update(worker.moved(step.lastMove) - before.moved, requests(), again);
    });
    const seconds = (performance.now() - from) / 1000;
    if (step.share < 100) total = await this.#countHalf(total);
    bar.finish(
      `  ${screen.style('green', '✓')} ${number(total)} records ${step.did} in ${seconds.toFixed(1)} s, ` +
        `${number(total / seconds)}/s, during ${requests()}`,
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

  async #countHalf(estimate: number): Promise<number> {
    const { lastSweep } = await commands.theCampaign(this.#context, this.#options.migration.name);
    this.#half ??= lastSweep?.counts['S.atHome'] ?? estimate;
    return this.#half;
  }

  /** Whoever has the page before him may pause and resume; what paused by itself would wait for ever. */
  async #rest(onTick: (campaign: commands.Campaign) => void): Promise<void> {
    const { migration, signal } = this.#options;
    for (;;) {
      const campaign = await commands.theCampaign(this.#context, migration.name);
      const { run, pausedBecause, settledAt, closed, history } = campaign;
      const byItself = history.findLast(({ what }) => what === 'pause')?.from?.way === 'worker';
      if (run === 'paused' && byItself) throw new Error(`The campaign paused by itself: ${pausedBecause}.`);
      if (settledAt !== undefined || closed) return;
      onTick(campaign);
      await sleep(50, undefined, { signal });
    }
  }
}
