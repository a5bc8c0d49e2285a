import type { ChildProcess } from 'node:child_process';
import { launch } from './launch.ts';
import type { TrafficReport } from './traffic.ts';

export type WriterMessage =
  | { readonly type: 'ready' }
  | { readonly type: 'progress'; readonly acknowledged: number }
  | { readonly type: 'report'; readonly report: TrafficReport };

/** How long a writer that was told to stop may take for what it has under way. */
const STOP_MS = 10_000;

/** The writer, as its parent sees it. */
export class WriterProcess {
  /** Writes acknowledged so far. */
  acknowledged = 0;
  readonly #child: ChildProcess;
  readonly #ready: Promise<void>;
  readonly #report: Promise<TrafficReport>;

  constructor(folder: string, ratePerSecond: number, inFlight: number) {
    const args = ['--rate', `${ratePerSecond}`, '--in-flight', `${inFlight}`];
    this.#child = launch('writer', args, { HANDOVER_DEMO_STORE: folder });
    this.#child.on('message', (message: WriterMessage) => {
      if (message.type === 'progress') this.acknowledged = message.acknowledged;
    });
    this.#ready = this.#hear('ready').then(() => {});
    this.#report = this.#hear('report').then(({ report }) => report);
    // Whoever waits for them sees the failure; when nobody does, it must not end the process by itself.
    this.#ready.catch(() => {});
    this.#report.catch(() => {});
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Resolves when it has opened the store and begins. */
  ready(): Promise<void> {
    return this.#ready;
  }

  /** Rejects when the writer ends before it was told to. Never resolves. */
  died(): Promise<never> {
    return new Promise((_, reject) => this.#report.catch(reject));
  }

  /** Lets it finish what is under way, and resolves with its totals. */
  async stop(): Promise<TrafficReport> {
    const timer = setTimeout(() => this.kill(), STOP_MS);
    if (this.#child.connected) this.#child.send('stop');
    try {
      return await this.#report;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends exactly this process, at once. */
  kill(): void {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGKILL');
  }

  #hear<T extends WriterMessage['type']>(type: T): Promise<Extract<WriterMessage, { type: T }>> {
    return new Promise((resolve, reject) => {
      this.#child.on('message', (message: WriterMessage) => {
        if (message.type === type) resolve(message as Extract<WriterMessage, { type: T }>);
      });
      this.#child.on('error', reject);
      this.#child.on('exit', (code, signal) => reject(new Error(`The writer ended by itself (${signal ?? code}).`)));
    });
  }
}
