import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import type { Death, FromApplication, Orders, ToApplication } from './points.ts';

const PROGRAM = resolve(import.meta.dirname, '../../dist/test/intents/application.js');

interface Started {
  readonly child: ChildProcess;
  readonly ready: Promise<unknown>;
}

interface Told {
  /** One of them stands where it is to die. */
  readonly at: (death: Death) => void;
  readonly applied: (id: string, numbers: readonly number[]) => void;
  /** One of them has ended by itself. */
  readonly ended: (why: string) => void;
}

/** One application after the other. The next one is there already, and waits for the death of the one before. */
export class Applications {
  readonly #told: Told;
  readonly #all = new Set<ChildProcess>();
  #standby: Started;
  #current: ChildProcess | undefined;
  #closed = false;
  /** Where the current one takes requests, once it does. */
  port: number | undefined;

  constructor(told: Told) {
    this.#told = told;
    this.#standby = this.#start();
  }

  async begin(orders: Orders): Promise<void> {
    const { child, ready } = this.#standby;
    this.#standby = this.#start();
    await ready;
    this.#current = child;
    this.say({ begin: orders });
  }

  say(message: ToApplication): void {
    this.#current?.send(message);
  }

  /** Nothing of it gets anywhere any more when this resolves, but what it had sent. */
  async kill(): Promise<void> {
    const child = this.#current!;
    this.#current = undefined;
    this.port = undefined;
    const gone = once(child, 'close');
    child.kill('SIGKILL');
    await gone;
  }

  async close(): Promise<void> {
    this.#closed = true;
    const gone = [...this.#all].map((child) => once(child, 'close'));
    for (const child of this.#all) child.kill('SIGKILL');
    await Promise.all(gone);
  }

  #start(): Started {
    const child = fork(PROGRAM, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    this.#all.add(child);
    let said = '';
    child.stderr!.on('data', (piece) => {
      said += piece;
    });
    child.once('close', (code, signal) => {
      this.#all.delete(child);
      if (signal !== 'SIGKILL' && !this.#closed)
        this.#told.ended(`an application ended with ${code ?? signal}: ${said}`);
    });
    const ready = new Promise((resolve) => {
      child.on('message', (message: FromApplication) => {
        if ('ready' in message) resolve(undefined);
        else if ('at' in message) this.#told.at(message.at);
        else if ('id' in message) this.#told.applied(message.id, message.numbers);
        else if (child === this.#current) this.port = message.port;
      });
    });
    return { child, ready };
  }
}
