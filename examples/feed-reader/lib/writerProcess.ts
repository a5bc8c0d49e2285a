import { Child } from './child.ts';
import type { TrafficReport } from './traffic.ts';

export type WriterMessage =
  | { readonly type: 'ready'; readonly origin: string }
  | { readonly type: 'progress'; readonly acknowledged: number }
  | { readonly type: 'report'; readonly report: TrafficReport };

/** The application's process, and what it has told of its work so far. */
export class WriterProcess {
  readonly child: Child<WriterMessage>;
  /** Resolves when it has opened the store and begins: where its callbacks are. Rejects when it does not get that far. */
  readonly ready: Promise<string>;
  acknowledged = 0;
  #report: TrafficReport | undefined;

  constructor(folder: string, ratePerSecond: number, inFlight: number) {
    const args = ['--rate', `${ratePerSecond}`, '--in-flight', `${inFlight}`];
    let begun = (_: string) => {};
    const beginning = new Promise<string>((done) => {
      begun = done;
    });
    this.child = new Child<WriterMessage>('writer', folder, args, (message) => {
      if (message.type === 'ready') begun(message.origin);
      else if (message.type === 'progress') this.acknowledged = message.acknowledged;
      else this.#report = message.report;
    });
    this.ready = Promise.race([
      beginning,
      this.child.ended.then(() => Promise.reject(new Error('The writer ended early.'))),
    ]);
    // Who waits for it learns of a failure.
    this.ready.catch(() => {});
  }

  /** Lets it finish what is under way, and resolves with its totals. */
  async stop(): Promise<TrafficReport> {
    await this.child.stop();
    if (!this.#report) throw new Error('The writer ended without its totals.');
    return this.#report;
  }
}
