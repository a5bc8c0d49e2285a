import type { CountedFeed } from './feeds.ts';

/** All that the writer heard of one record. */
interface Heard {
  /** By what `visits` became: the write that was told so. */
  readonly acknowledged: Map<number, string>;
  /** Writes that may have been applied, or not: the store's answer was lost. */
  readonly uncertain: Set<string>;
}

const NOTHING: Heard = { acknowledged: new Map(), uncertain: new Set() };

/** Every write of the application, as it was acknowledged: what must be found in the end. */
export class Ledger {
  readonly #records = new Map<number, Heard>();
  readonly problems: string[] = [];
  acknowledged = 0;
  uncertain = 0;

  /** One line of the writer: see writer.mjs. */
  enter(line: string): void {
    const [n, visits, name] = line.split(' ') as [string, string, string];
    const heard = this.#of(Number(n));
    if (visits === '?') {
      heard.uncertain.add(name);
      this.uncertain++;
      return;
    }
    // The second one was written over what had been there before the first: that one is lost.
    const before = heard.acknowledged.get(Number(visits));
    if (before) this.problems.push(`record ${n}: both ${before} and ${name} were told that they made visits ${visits}`);
    heard.acknowledged.set(Number(visits), name);
    this.acknowledged++;
  }

  /**
   * Holds a record as it was found against what was heard of it. Each write raises `visits` by one and leaves its name, so
   * every number up to the one that is found was made by one write: one that was acknowledged with it, or an uncertain one.
   */
  check(n: number, { visits, last }: Pick<CountedFeed, 'visits' | 'last'>): void {
    const { acknowledged, uncertain } = this.#records.get(n) ?? NOTHING;
    const wrong = (what: string) => this.problems.push(`record ${n}, visits ${visits}, last by ${last}: ${what}`);
    for (const [value, name] of acknowledged) if (value > visits) wrong(`${name} made visits ${value}, which is lost`);
    const unexplained = visits - acknowledged.size;
    if (unexplained > uncertain.size) wrong(`${unexplained} more than acknowledged, ${uncertain.size} uncertain`);
    const writer = acknowledged.get(visits);
    if (visits === 0 ? last !== '' : writer ? last !== writer : !uncertain.has(last)) {
      wrong(`it should be by ${writer ?? (visits === 0 ? 'nobody' : 'one that is uncertain')}`);
    }
  }

  #of(n: number): Heard {
    const known = this.#records.get(n);
    if (known) return known;
    const heard: Heard = { acknowledged: new Map(), uncertain: new Set() };
    this.#records.set(n, heard);
    return heard;
  }
}
