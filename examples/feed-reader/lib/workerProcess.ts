import { Child } from './child.ts';

export type WorkerMessage =
  | { readonly type: 'moved'; readonly move: string; readonly records: number }
  | { readonly type: 'paged'; readonly records: number };

/** The worker's process, and what it has told of its work so far. */
export class WorkerProcess {
  readonly child: Child<WorkerMessage>;
  readonly #moved = new Map<string, number>();
  /** Entities that it has looked at. */
  seen = 0;

  constructor(folder: string) {
    this.child = new Child('worker', folder, [], (message) => {
      if (message.type === 'paged') this.seen += message.records;
      else this.#moved.set(message.move, this.moved(message.move) + message.records);
    });
  }

  /** Moves of this kind. */
  moved(move: string): number {
    return this.#moved.get(move) ?? 0;
  }
}
