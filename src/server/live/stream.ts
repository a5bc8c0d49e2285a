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
// These have no id: whoever comes again is told how it is then.
const FRESH = 'event: fresh\ndata: {}\n\n';
const stale = (code: string): string => `event: stale\ndata: ${JSON.stringify({ code })}\n\n`;

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
  /** Why the looks fail; and whether that was told. */
  #trouble: string | undefined;
  #toldTrouble: string | undefined;

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
    this.#tell();
  }

  looked(): void {
    this.#trouble = undefined;
    this.#tell();
  }

  faltered(code: string): void {
    this.#trouble = code;
    this.#tell();
  }

  #tell(): void {
    const { board, wanted } = this.#options;
    if (this.#hasRoom && !this.destroyed && this.#trouble !== this.#toldTrouble) {
      this.#toldTrouble = this.#trouble;
      this.#send(this.#trouble === undefined ? FRESH : stale(this.#trouble));
    }
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
