import type { Clock } from '../clock.ts';
import type { Choices } from './choices.ts';

/** The moment at which every simulated run begins. */
const BEGIN = 1_700_000_000_000;

interface Waiting {
  readonly process: Process;
  /** The call must be let through before the time is past this. */
  readonly dueAt: number;
  /** Its process has given it up, or is dead. */
  readonly abandoned: boolean;
  /** It stalls until so many turns were taken, or until nobody else can go on. */
  readonly from: number;
  readonly go: () => void;
}

interface Sleeper {
  readonly process: Process;
  readonly at: number;
  readonly wake: () => void;
  /** A signal that has listeners is held by the process that runs this: who will never wake takes his off. */
  readonly forget: () => void;
}

/** What a seed says of the order of calls. */
export interface Habits {
  /** Per mille: how often the one who went last goes on, if it can. */
  readonly stubborn: number;
  /** Per mille: how often time passes for those who sleep although calls are under way, which so take longer. */
  readonly stalled: number;
  /** Per mille: how often a call stalls while everybody else goes on, sweeps end, and commands are given. */
  readonly held: number;
  /** The same of commits about records, where they stall more often than other calls. */
  readonly heldWrites: number;
}

/** How a call waits. `write`: it is a commit about records. `late`: it is on its way already, and the store is slow. */
export type Waits = 'plainly' | 'write' | 'late' | 'abandoned';

/**
 * Runs processes that talk to nothing but their stores and their clocks, one call at a time: everybody works until all
 * of them wait, for a call to be let through or for a time; then one of them is chosen. Nothing else decides an order.
 * Right for code whose promises come to nothing but calls and sleeps.
 */
export class Schedule {
  readonly #choices: Choices;
  #habits: Habits;
  #calls: Waiting[] = [];
  readonly #sleepers = new Set<Sleeper>();
  #now = BEGIN;
  #last: Process | undefined;
  #processes = 0;
  #isCalm = false;
  /** Calls that were let through, and times that passed. */
  #turns = 0;
  /** How many calls were let through. */
  steps = 0;
  /** Told before anything goes on: all that was let through is done by then. */
  onStep: () => void = () => {};

  constructor(choices: Choices, habits: Habits) {
    this.#choices = choices;
    this.#habits = habits;
  }

  /** From here on no call takes longer than the others make it wait, but for those that stall already. */
  calm(): void {
    this.#habits = { ...this.#habits, stalled: 0 };
    this.#isCalm = true;
  }

  get now(): number {
    return this.#now;
  }

  process(name: string): Process {
    return new Process(this, name, ++this.#processes);
  }

  /** Resolves when the call is let through: within `withinMs`, where the store promises so. */
  turn(process: Process, withinMs: number, how: Waits): Promise<void> {
    const stalls = !this.#isCalm && this.#choices.happens(this.#perMilleHeld(how));
    const from = stalls ? this.#turns + this.#choices.of(HELD_TURNS) : 0;
    return new Promise((go) => {
      this.#calls.push({ process, dueAt: this.#now + withinMs, abandoned: how === 'abandoned', from, go });
    });
  }

  /** Where calls stall at all, half of those do that take long anyway. */
  #perMilleHeld(how: Waits): number {
    const { held, heldWrites } = this.#habits;
    const most = Math.max(held, heldWrites);
    if (how === 'plainly') return held;
    return how === 'write' ? most : most && 500;
  }

  sleep(process: Process, ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted || ms <= 0) return resolve();
      const forget = () => {
        this.#sleepers.delete(sleeper);
        signal?.removeEventListener('abort', wake);
      };
      const wake = () => {
        forget();
        resolve();
      };
      const sleeper = { process, at: this.#now + ms, wake, forget };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', wake, { once: true });
    });
  }

  /** Nothing that a dead process waits for will ever come. */
  end(process: Process): void {
    for (const sleeper of this.#sleepers) if (sleeper.process === process) sleeper.forget();
    this.#calls = this.#calls.filter((call) => call.process !== process || call.abandoned);
  }

  /** Nobody goes on. */
  close(): void {
    for (const sleeper of this.#sleepers) sleeper.forget();
  }

  /** Until the work is done, or `most` calls were let through: then it throws `Endless`. */
  async run<R>(work: Promise<R>, most: number): Promise<R> {
    let over = false;
    const end = () => {
      over = true;
    };
    work.then(end, end);
    const until = this.steps + most;
    for (;;) {
      await allWaiting();
      this.onStep();
      if (over) return work;
      if (this.steps >= until) throw new Endless(`not over after ${most} calls`);
      this.#goOn();
    }
  }

  #goOn(): void {
    this.#turns++;
    const firstAt = this.#firstSleeper();
    const dueAt = this.#calls.reduce((least, call) => Math.min(least, call.dueAt), Number.POSITIVE_INFINITY);
    const maySleep = firstAt < Number.POSITIVE_INFINITY && firstAt <= dueAt;
    const ready = this.#calls.filter(({ from, abandoned }) => from <= this.#turns || (this.#isCalm && abandoned));
    if (maySleep && (ready.length === 0 || this.#choices.happens(this.#habits.stalled))) {
      this.#pass(firstAt, dueAt);
      return;
    }
    if (this.#calls.length === 0) throw new Endless('everybody waits for ever');
    const call = this.#oneOf(ready.length > 0 ? ready : this.#calls);
    this.#calls.splice(this.#calls.indexOf(call), 1);
    this.#last = call.process;
    this.steps++;
    call.go();
  }

  #oneOf(calls: readonly Waiting[]): Waiting {
    const own = calls.find(({ process }) => process === this.#last);
    return own && this.#choices.happens(this.#habits.stubborn) ? own : this.#choices.of(calls);
  }

  #firstSleeper(): number {
    let first = Number.POSITIVE_INFINITY;
    for (const { at } of this.#sleepers) first = Math.min(first, at);
    return first;
  }

  /** Time passes until the first sleeper wakes, or for longer: nobody is sure to be woken in time. */
  #pass(firstAt: number, dueAt: number): void {
    const late = this.#now + this.#choices.of(LATE_MS);
    this.#now = Math.max(this.#now, firstAt, Math.min(late, dueAt));
    this.#last = undefined;
    for (const sleeper of [...this.#sleepers]) if (sleeper.at <= this.#now) sleeper.wake();
  }
}

/** Longer than a worker idles, and than a look may be old. */
const LATE_MS = [0, 0, 0, 0, 250, 1_000, 6_000] as const;

/** A few steps of others, a page, a sweep, and the end of a campaign. */
const HELD_TURNS = [5, 20, 60, 200] as const;

export class Endless extends Error {
  override readonly name = 'Endless';
}

/** Everything that was let through has come to its next call: all promises are done before the next tick. */
export const allWaiting = () => new Promise<void>((resolve) => process.nextTick(resolve));

/** One process of a simulated run, with a clock of its own. */
export class Process {
  readonly name: string;
  readonly clock: Clock;
  readonly #schedule: Schedule;
  #skewMs = 0;
  #isDead = false;
  #onDeath: () => void = () => {};
  /** Resolves when it dies. */
  readonly death = new Promise<void>((resolve) => {
    this.#onDeath = resolve;
  });

  constructor(schedule: Schedule, name: string, ordinal: number) {
    this.#schedule = schedule;
    this.name = name;
    let ids = 0;
    this.clock = {
      now: () => schedule.now + this.#skewMs,
      ticks: () => schedule.now - BEGIN,
      sleep: (ms, signal) => (this.#isDead ? never() : schedule.sleep(this, ms, signal)),
      id: (bytes = 8) =>
        (ordinal * 0x10000 + ++ids)
          .toString(16)
          .padStart(2 * bytes, '0')
          .slice(-2 * bytes),
    };
  }

  /** Resolves when a call of it may go through; never once it is dead. */
  turn(withinMs: number, how: Exclude<Waits, 'abandoned'>): Promise<void> {
    return this.#isDead ? never() : this.#schedule.turn(this, withinMs, how);
  }

  /** Resolves when a call that it has given up goes through. */
  abandoned(withinMs: number): Promise<void> {
    return this.#schedule.turn(this, withinMs, 'abandoned');
  }

  /** Somebody sets its clock. */
  jump(ms: number): void {
    this.#skewMs += ms;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** From now on nothing that it waits for comes: what is left of it does nothing any more. */
  die(): void {
    this.#isDead = true;
    this.#schedule.end(this);
    this.#onDeath();
  }
}

/** What somebody waits for who is dead; one for each, for it holds who waits. */
export const never = (): Promise<never> => new Promise(() => {});
