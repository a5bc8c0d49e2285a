import type { Clock } from '../clock.ts';
import { LIMITS } from '../limits.ts';
import type { Key } from '../record/key.ts';
import type { MemoryData } from '../store/memoryData.ts';
import type { Capabilities, Entity, Mutation, Outcome, Store, UnitOutcome, Version } from '../store/store.ts';
import { struckStore } from './faults.ts';
import { allWaiting, never } from './schedule.ts';

/** What may befall a step. */
export type Mishap = 'a crash before it' | 'a crash after it' | 'a lost answer' | 'an answer lost before it';

/** A step that may be taken next. */
export interface Turn {
  readonly process: string;
  readonly mishap: Mishap | undefined;
  readonly take: () => void;
}

/** One number for one text, for as long as an exploration lasts. */
export class Numbers {
  readonly #numbers = new Map<string, number>();

  of(text: string): number {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    this.#numbers.set(text, this.#numbers.size + 1);
    return this.#numbers.size;
  }
}

interface Call {
  readonly process: string;
  readonly isCommit: boolean;
  readonly go: (mishap: Mishap | undefined) => void;
}

export interface LockstepOptions {
  readonly data: MemoryData;
  readonly capabilities: Partial<Capabilities>;
  readonly numbers: Numbers;
  /** How many processes may die. */
  readonly crashes: number;
  /** How many answers of commits may be lost. */
  readonly lost: number;
}

const BEGIN = 1_700_000_000_000;

/** Who sleeps is woken late: after two such sleeps an announced insert of somebody else counts as abandoned. */
const LATE_MS = LIMITS.birthMs / 2;
/**
 * A client that would sleep more often, or call more often, hangs for good: else two of them could withdraw each other's
 * announced inserts in turn, a hundred times.
 */
const MOST_SLEEPS = 2;
const MOST_CALLS = { snapshots: 12, separate: 24 } as const;

/**
 * Processes each call of which waits until it is told to go. Nothing tells one from itself but what it was answered: each
 * has a clock of its own, which only its own sleep moves, and identifiers of its own. So everybody's answers and the data
 * are the state of the whole. A version goes by how often its key was written, and what: the store's own counter would
 * tell apart what is the same.
 */
export class Lockstep {
  readonly #options: LockstepOptions;
  #calls: Call[] = [];
  readonly #answered = new Map<string, number>();
  /** Calls of each process. */
  readonly #made = new Map<string, number>();
  readonly #clocks = new Map<string, Clock>();
  readonly #rows = new Map<string, string>();
  readonly #writes = new Map<string, number>();
  readonly #versions = new Map<Version, string>();
  readonly #mostCalls: number;
  #crashes: number;
  #lost: number;

  constructor(options: LockstepOptions) {
    this.#options = options;
    this.#mostCalls = options.capabilities.snapshotReads === false ? MOST_CALLS.separate : MOST_CALLS.snapshots;
    this.#crashes = options.crashes;
    this.#lost = options.lost;
  }

  /** Every step that may be taken, when everybody waits. */
  async turns(): Promise<readonly Turn[]> {
    await allWaiting();
    return this.#calls.flatMap((call) => this.#mishapsOf(call).map((mishap) => this.#turn(call, mishap)));
  }

  get state(): string {
    const answered = [...this.#answered].map(([name, number]) => `${kindOf(name)}${number}`).sort();
    const rows = [...this.#rows].map(([key, row]) => `${key}${row}`).sort();
    return `${answered} ${rows} ${this.#crashes} ${this.#lost}`;
  }

  /** The process has nothing in hand any more, and is about to do this. */
  forget(process: string, next: string): void {
    if ((this.#answered.get(process) ?? 0) >= 0) this.#answered.set(process, this.#options.numbers.of(next));
  }

  clockOf(process: string): Clock {
    const known = this.#clocks.get(process);
    if (known) return known;
    let slept = 0;
    let ids = 0;
    let sleeps = 0;
    const clock: Clock = {
      now: () => BEGIN + slept,
      ticks: () => slept,
      sleep: async (ms, signal) => {
        if (signal?.aborted) return;
        if (++sleeps > MOST_SLEEPS) return never();
        await this.#wait(process, false);
        slept += Math.max(ms, LATE_MS);
        this.#answer(process, 'slept');
      },
      id: (bytes = 8) => {
        const digits = [...`${process}.${++ids}`].map((letter) => letter.charCodeAt(0).toString(16)).join('');
        return digits.padStart(2 * bytes, '0').slice(-2 * bytes);
      },
    };
    this.#clocks.set(process, clock);
    return clock;
  }

  storeOf(process: string): Store {
    const { inner, strike } = struckStore(this.#options.data, this.#options.capabilities);
    const call = async <R>(act: () => Promise<R>, textOf: (answer: R) => string, written?: readonly Key[]) => {
      const mishap = await this.#wait(process, written !== undefined);
      if (mishap === 'a crash before it') return never();
      if (mishap === 'a lost answer') strike({ kind: 'lost' });
      if (mishap === 'an answer lost before it') strike({ kind: 'lost', applied: false });
      const answer = await act();
      for (const key of written ?? []) this.#wrote(key);
      if (mishap === 'a crash after it') return never();
      this.#answer(process, textOf(answer));
      return answer;
    };
    const read = (keys: readonly Key[]) =>
      call(
        () => inner.read(keys),
        (found) => found.map(this.#named).join(),
      );
    return {
      capabilities: inner.capabilities,
      // Without snapshots each key is read at a moment of its own, in any order.
      read: async (keys) =>
        inner.capabilities.snapshotReads || keys.length > 2
          ? read(keys)
          : (await Promise.all(keys.map((key) => read([key])))).flat(),
      readTogether: (keys) =>
        call(
          () => inner.readTogether(keys),
          (found) => found.map(this.#named).join(),
        ),
      scan: (range, limit) =>
        call(
          () => inner.scan(range, limit),
          ({ entities }) => entities.map(this.#named).join(),
        ),
      // What the explorer explores has no invariants.
      atOneMoment: (run) => inner.atOneMoment(run),
      find: (...args) =>
        call(
          () => inner.find(...args),
          ({ entities }) => entities.map(this.#named).join(),
        ),
      split: (range, n, finer) =>
        call(
          () => inner.split(range, n, finer),
          (ranges) => String(ranges.length),
        ),
      commit: (mutations, guard) => call(() => inner.commit(mutations, guard), this.#told, keysOf(mutations)),
      commitTogether: (units, guard) =>
        call(() => inner.commitTogether(units, guard), this.#told, keysOf(units.flat())),
      overwrite: (...args) => inner.overwrite(...args),
      close: () => inner.close(),
    };
  }

  #wait(process: string, isCommit: boolean): Promise<Mishap | undefined> {
    const made = (this.#made.get(process) ?? 0) + 1;
    this.#made.set(process, made);
    if (process.startsWith('c') && made > this.#mostCalls) return never();
    return new Promise((go) => {
      this.#calls.push({ process, isCommit, go });
    });
  }

  #mishapsOf({ process, isCommit }: Call): readonly (Mishap | undefined)[] {
    if (process === 'operator') return [undefined];
    return [
      undefined,
      ...(this.#crashes > 0 ? (['a crash before it'] as const) : []),
      ...(this.#crashes > 0 && isCommit ? (['a crash after it'] as const) : []),
      ...(this.#lost > 0 && isCommit ? (['a lost answer', 'an answer lost before it'] as const) : []),
    ];
  }

  #turn(call: Call, mishap: Mishap | undefined): Turn {
    const { process } = call;
    const take = () => {
      this.#calls = this.#calls.filter((each) => each !== call);
      if (mishap?.startsWith('a crash')) {
        this.#crashes--;
        this.#calls = this.#calls.filter((each) => each.process !== process);
        this.#answered.set(process, -1);
      } else if (mishap) this.#lost--;
      call.go(mishap);
    };
    return { process, mishap, take };
  }

  #answer(process: string, text: string): void {
    const before = this.#answered.get(process) ?? 0;
    if (before >= 0) this.#answered.set(process, this.#options.numbers.of(`${before} ${text}`));
  }

  readonly #named = (entity: Entity | undefined): string =>
    entity ? `${entity.key}=${this.#versions.get(entity.version) ?? 0}` : '-';

  readonly #told = (outcomes: readonly (Outcome | UnitOutcome)[]): string =>
    outcomes.map(({ status }) => status).join();

  /** It may have been written: takes down what is there now. */
  #wrote(key: Key): void {
    const name = key.toString();
    const entity = this.#options.data.get(key);
    const before = this.#rows.get(name);
    if (entity ? this.#versions.has(entity.version) : before === 'gone') return;
    const count = (this.#writes.get(name) ?? 0) + 1;
    const slot = entity?.slot?.replace(JOURNAL, '');
    const content = entity && this.#options.numbers.of(`${entity.content.bytes.toString('latin1')} ${slot}`);
    const row = entity ? `${count}.${content}` : `${count}`;
    this.#writes.set(name, count);
    this.#rows.set(name, entity ? row : 'gone');
    if (entity) this.#versions.set(entity.version, row);
  }
}

/** Workers are all the same: which of them stands where makes no difference. */
const kindOf = (process: string): string => (process.startsWith('w') ? 'w' : process);

/** Who made which move decides nothing but what the journal says next. */
const JOURNAL = /"n":\d+|(?<="j":"[^"])[^"]*/g;

const keysOf = (mutations: readonly Mutation[]): readonly Key[] => mutations.map(({ key }) => key);
