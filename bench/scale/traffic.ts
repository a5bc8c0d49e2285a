import { isControl } from '../../src/engine/documents.ts';
import type { Key } from '../../src/record/key.ts';
import type { KeyRange, Mutation } from '../../src/store/store.ts';

/** A call of the store, decoded. */
export interface Asked {
  readonly range?: KeyRange;
  readonly keys?: readonly Key[];
  readonly mutations?: readonly Mutation[];
  readonly run: () => Promise<unknown>;
}

/** What one worker asked of the store. Entities of the engine's own are control documents; all others are records. */
export interface Seen {
  readonly calls: number;
  readonly commits: number;
  readonly recordsRead: number;
  readonly recordsWritten: number;
  readonly controlRead: number;
  readonly controlWritten: number;
  /** Calls under way at once: the most, and on an average. */
  readonly outstandingMost: number;
  readonly outstanding: number;
  /** When records were written first and last, in milliseconds since some moment that all workers of a stub share. */
  readonly firstWrite: number;
  readonly lastWrite: number;
}

const ofControl = ({ path }: Key): boolean => isControl(path[0]!.kind);

export class Traffic {
  #counts = { calls: 0, commits: 0, recordsRead: 0, recordsWritten: 0, controlRead: 0, controlWritten: 0 };
  #now = 0;
  #most = 0;
  /** Milliseconds of all calls together. */
  #area = 0;
  #since = performance.now();
  #changedAt = this.#since;
  #firstWrite = Number.POSITIVE_INFINITY;
  #lastWrite = Number.NEGATIVE_INFINITY;

  /** What was asked so far does not count. */
  restart(): void {
    this.#counts = { calls: 0, commits: 0, recordsRead: 0, recordsWritten: 0, controlRead: 0, controlWritten: 0 };
    this.#most = this.#now;
    this.#area = 0;
    this.#since = performance.now();
    this.#changedAt = this.#since;
    this.#firstWrite = Number.POSITIVE_INFINITY;
    this.#lastWrite = Number.NEGATIVE_INFINITY;
  }

  /** A call has come; returns what is to be told of its answer. */
  begin(op: string, { range, keys = [], mutations = [] }: Asked): (answer: unknown) => void {
    const counts = this.#counts;
    this.#change(1);
    counts.calls++;
    if (op === 'commit' || op === 'commitTogether') counts.commits++;
    counts.controlRead += keys.filter(ofControl).length;
    counts.recordsRead += keys.filter((key) => !ofControl(key)).length;
    counts.controlWritten += mutations.filter(({ key }: Mutation) => ofControl(key)).length;
    const written = mutations.filter(({ key }: Mutation) => !ofControl(key)).length;
    counts.recordsWritten += written;
    if (written > 0) this.#firstWrite = Math.min(this.#firstWrite, performance.now());
    return (answer) => {
      this.#change(-1);
      if (written > 0) this.#lastWrite = performance.now();
      if (!range || op === 'split') return;
      const { entities } = answer as { readonly entities: readonly unknown[] };
      counts[isControl(range.kind) ? 'controlRead' : 'recordsRead'] += Math.max(1, entities.length);
    };
  }

  seen(): Seen {
    this.#change(0);
    const ms = performance.now() - this.#since;
    const [firstWrite, lastWrite] = [this.#firstWrite, this.#lastWrite];
    return { ...this.#counts, outstandingMost: this.#most, outstanding: this.#area / ms, firstWrite, lastWrite };
  }

  #change(by: number): void {
    const now = performance.now();
    this.#area += this.#now * (now - this.#changedAt);
    this.#changedAt = now;
    this.#now += by;
    this.#most = Math.max(this.#most, this.#now);
  }
}
