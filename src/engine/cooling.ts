import type { Clock } from '../clock.ts';
import { LIMITS } from '../limits.ts';
import type { Key } from '../record/key.ts';

interface Heat {
  readonly ms: number;
  readonly readyAt: number;
}

/** Target groups in which others write just now: each is left alone for a while, longer each time, and it alone. */
export class Cooling {
  readonly #clock: Clock;
  readonly #heats = new Map<string, Heat>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Groups that contended and have taken nothing since. */
  get size(): number {
    return this.#heats.size;
  }

  /** Milliseconds until the group of this key may be tried again; 0 when it may now. */
  waitMs(key: Key): number {
    if (this.#heats.size === 0) return 0;
    const heat = this.#heats.get(key.root.toString());
    return heat ? Math.max(0, heat.readyAt - this.#clock.ticks()) : 0;
  }

  /** The group of this key has contended, and taken nothing since; undefined: it has not. */
  hot(key: Key): string | undefined {
    if (this.#heats.size === 0) return undefined;
    const name = key.root.toString();
    return this.#heats.has(name) ? name : undefined;
  }

  /** A write to the group met others. */
  heat(root: Key): void {
    const name = root.toString();
    const now = this.#clock.ticks();
    const before = this.#heats.get(name);
    // Several commits of one moment met the same writers: that is one reason to wait, not several.
    if (before && before.readyAt > now) return;
    const ms = before ? Math.min(2 * before.ms, LIMITS.coolMostMs) : LIMITS.coolMs;
    if (this.#heats.size >= LIMITS.coolGroups) this.#forgetReady(now);
    this.#heats.set(name, { ms, readyAt: now + ms });
  }

  /** The group of this key has taken a write. */
  cooled(key: Key): void {
    if (this.#heats.size > 0) this.#heats.delete(key.root.toString());
  }

  #forgetReady(now: number): void {
    for (const [name, { readyAt }] of this.#heats) if (readyAt <= now) this.#heats.delete(name);
  }
}
