import { Child } from './child.ts';
import type { ReadersReport } from './readers.ts';

export type ReadersMessage =
  | { readonly type: 'progress'; readonly requests: number }
  | { readonly type: 'report'; readonly report: ReadersReport };

/** The readers' process, and what it has told of its work so far. */
export class ReadersProcess {
  readonly child: Child<ReadersMessage>;
  /** Resolves when they are at it. */
  readonly begun: Promise<void>;
  requests = 0;
  #report: ReadersReport | undefined;

  constructor(folder: string, app: string, ratePerSecond: number, inFlight: number) {
    const args = ['--app', app, '--rate', `${ratePerSecond}`, '--in-flight', `${inFlight}`];
    let begin = () => {};
    this.begun = new Promise<void>((done) => {
      begin = done;
    });
    this.child = new Child<ReadersMessage>('readers', folder, args, (message) => {
      if (message.type === 'report') this.#report = message.report;
      else this.requests = message.requests;
      if (this.requests > 0) begin();
    });
  }

  /** Lets them finish what is under way, and resolves with their totals. */
  async stop(): Promise<ReadersReport> {
    await this.child.stop();
    if (!this.#report) throw new Error('The readers ended without their totals.');
    return this.#report;
  }
}
