import { Readable } from 'node:stream';
import type { Clock } from '../../clock.ts';
import { LIMITS } from '../../limits.ts';
import type { Board, Wanted } from './board.ts';
import type { Watcher } from './watch.ts';

export interface StreamOptions {
  readonly board: Board;
  readonly wanted: Wanted;
  /** The number of the last event that was seen. */
  readonly seen: number;
  readonly clock: Pick<Clock, 'ticks'>;
}

const BEGINNING = `retry: ${LIMITS.eventRetryMs}\n\n`;
const HEARTBEAT = ':\n\n';

/**
 * The events of one reader, taken off the board when there is room for them: who reads slowly gets what is newest then,
 * and has one event waiting at most. Who takes nothing for long is cut off, and may come again with its last id.
 */
export class EventStream extends Readable implements Watcher {
  readonly #options: StreamOptions;
  readonly #began: number;
  #seen: number;
  #hasRoom = true;
  #movedAt: number;

  constructor(options: StreamOptions) {
    super({ highWaterMark: LIMITS.eventBufferBytes });
    this.#options = options;
    this.#seen = options.seen;
    this.#began = options.clock.ticks();
    this.#movedAt = this.#began;
    this.push(BEGINNING);
  }

  override _read(): void {
    this.#hasRoom = true;
    this.looked();
  }

  looked(): void {
    const { board, wanted } = this.#options;
    while (this.#hasRoom && !this.destroyed) {
      const post = board.next(wanted, this.#seen);
      if (!post) return;
      this.#seen = post.number;
      this.#send(post.frame);
    }
  }

  beat(): void {
    const now = this.#options.clock.ticks();
    const quietMs = now - this.#movedAt;
    // Whoever goes on has to show again what lets in.
    if (now - this.#began >= LIMITS.eventStreamMs) this.end();
    else if (!this.#hasRoom && quietMs >= LIMITS.eventStallMs) this.destroy();
    else if (this.#hasRoom && quietMs >= LIMITS.eventHeartbeatMs) this.#send(HEARTBEAT);
  }

  end(): void {
    if (!this.readableEnded && !this.destroyed) this.push(null);
    this.#hasRoom = false;
  }

  #send(data: Buffer | string): void {
    this.#movedAt = this.#options.clock.ticks();
    this.#hasRoom = this.push(data);
  }
}
