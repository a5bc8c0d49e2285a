import { Child } from './child.ts';
import type { TrafficReport } from './traffic.ts';

export type WriterMessage =
  | { readonly type: 'ready' }
  | { readonly type: 'progress'; readonly acknowledged: number }
  | { readonly type: 'report'; readonly report: TrafficReport };

/** The application's process, and what it has told of its work so far. */
export class WriterProcess {
  readonly child: Child<WriterMessage>;
  /** Resolves when it has opened the store and begins. Rejects when it does not get that far. */
  readonly ready: Promise<void>;
  acknowledged = 0;
  #report: TrafficReport | undefined;

  constructor(folder: string, ratePerSecond: number, inFlight: number) {
    const args = ['--rate', `${ratePerSecond}`, '--in-flight', `${inFlight}`];
    let begun = () => {};
    const beginning = new Promise<void>((done) => {
      begun = done;
    });
    this.child = new Child<WriterMessage>('writer', folder, args, (message) => {
      if (message.type === 'ready') begun();
      else if (message.type === 'progress') this.acknowledged = message.acknowledged;
      else this.#report = message.report;
    });
    this.ready = Promise.race([beginning, this.child.ended]);
  }

  /** Lets it finish what is under way, and resolves with its totals. */
  async stop(): Promise<TrafficReport> {
    await this.child.stop();
    if (!this.#report) throw new Error('The writer ended without its totals.');
    return this.#report;
  }
}
