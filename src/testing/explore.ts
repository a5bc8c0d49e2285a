import * as commands from '../admin/commands.ts';
import { moment } from '../clock.ts';
import { campaignId } from '../engine/campaigns.ts';
import { documentKey, load } from '../engine/documents.ts';
import { Pacer } from '../engine/pace.ts';
import { workOnRange } from '../engine/rangeWork.ts';
import { HandoverError } from '../errors.ts';
import { Router } from '../router/router.ts';
import { memoryStore } from '../store/memory.ts';
import type { Capabilities, Entity, Store } from '../store/store.ts';
import { History, type Wish, wishOf } from './history.ts';
import { Lockstep, Numbers, type Turn } from './lockstep.ts';
import { Subject, type Subjects } from './subject.ts';
import { REST, Violation, Watch } from './watch.ts';

/** What happens in every order: a population of one record, and who does what to it. */
export interface Bounds {
  readonly capabilities: Partial<Capabilities>;
  /** Whether the record is there at the beginning. */
  readonly present: boolean;
  readonly begin: 'copied' | 'switched' | 'completed';
  /** All is at rest where it was wanted first, before anything else begins. */
  readonly settled?: true;
  /** The operator's commands, one after the other. */
  readonly minds: readonly ('reverse' | 'switch' | 'start')[];
  readonly workers: number;
  /** Each client makes one call. */
  readonly clients: readonly Wish['type'][];
  /** How many processes die at any call of theirs, and how many answers of commits are lost. */
  readonly crashes?: number;
  readonly lost?: number;
}

export interface Exploration {
  /** Different states of everybody together. */
  readonly states: number;
  /** Orders of all steps, from the beginning to the end: as many paths as lead through these states. */
  readonly schedules: bigint;
  /** Every state was come to; false where there are more than were asked for. */
  readonly ended: boolean;
  readonly violation: { readonly message: string; readonly trace: readonly string[] } | undefined;
}

/** A fork in the road: what was taken of how many ways, and how many schedules lie behind those taken before. */
interface Fork {
  readonly state: string;
  readonly ways: number;
  taken: number;
  schedules: bigint;
}

/**
 * Every order of the steps of some workers, clients and an operator: production code, run again from the beginning for
 * each. A step is one call to the store. Whoever has been given the same answers stands at the same place, so that what
 * was given to everybody, and what the store holds, is the state of the whole; behind a state that came up before
 * nothing new lies. Nothing is left out by that: two steps that do not touch each other lead to one state in both orders.
 * It ends when all is explored, or after `most` states.
 */
export async function explore(
  subjects: Subjects,
  bounds: Bounds,
  most = Number.POSITIVE_INFINITY,
): Promise<Exploration> {
  const forks: Fork[] = [];
  const known = new Map<string, bigint>();
  const numbers = new Numbers();
  const beginning = await SmallWorld.beginningOf(subjects, bounds);
  for (;;) {
    const world = new SmallWorld(subjects, bounds, beginning, numbers);
    let schedules: bigint;
    try {
      schedules = await walk(world, forks, known);
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      const { message } = error;
      const violation = { message, trace: world.trace };
      return { states: known.size + forks.length, schedules: 0n, ended: false, violation };
    }
    for (let fork = forks.at(-1); fork; fork = forks.at(-1)) {
      fork.schedules += schedules;
      if (++fork.taken < fork.ways) break;
      schedules = fork.schedules;
      known.set(fork.state, schedules);
      forks.pop();
    }
    if (forks.length === 0) return { states: known.size, schedules, ended: true, violation: undefined };
    if (known.size >= most) {
      // What a fork counts is behind the ways that were taken of it; the one that is open has forks of its own.
      const taken = forks.reduce((sum, fork) => sum + fork.schedules, 0n);
      return { states: known.size, schedules: taken, ended: false, violation: undefined };
    }
  }
}

/** One way through: what was taken before, then always the first. How many schedules lie behind it. */
async function walk(world: SmallWorld, forks: Fork[], known: ReadonlyMap<string, bigint>): Promise<bigint> {
  // What the way before left behind is let go of when the event loop goes round.
  await new Promise<void>((resolve) => setImmediate(resolve));
  world.begin();
  for (let depth = 0; ; depth++) {
    const turns = await world.lockstep.turns();
    world.check();
    if (turns.length === 0) {
      await world.end();
      return 1n;
    }
    if (depth === forks.length) {
      const state = world.state;
      const behind = known.get(state);
      if (behind !== undefined) return behind;
      forks.push({ state, ways: turns.length, taken: 0, schedules: 0n });
    }
    world.take(turns[forks[depth]!.taken]!);
  }
}

type Beginning = readonly Entity[];

class SmallWorld {
  readonly trace: string[] = [];
  readonly lockstep: Lockstep;
  readonly #bounds: Bounds;
  readonly #options: Subjects;
  readonly #subject: Subject;
  readonly #watch: Watch;
  readonly #history: History;
  readonly #numbers: Numbers;
  /** What clients were told, in order: part of the state, for it must have an explanation. */
  #told = '';
  #thrown: unknown;
  #steps = 0;
  #last = '';

  constructor(options: Subjects, bounds: Bounds, beginning: Beginning, numbers: Numbers) {
    this.#options = options;
    this.#bounds = bounds;
    this.#numbers = numbers;
    this.#subject = new Subject(options.migration, options.records[0]!);
    const tell = (line: string) => this.trace.push(`${String(this.#steps).padStart(4)}  ${line}`);
    this.#watch = new Watch({ subjects: [this.#subject], tell });
    this.#history = new History((line) => {
      this.#told += `${line}\n`;
      tell(line);
    });
    const { crashes = 0, lost = 0 } = bounds;
    for (const { key, content, slot } of beginning) this.#watch.data.apply({ op: 'insert', key, content, slot });
    this.#watch.begin();
    this.lockstep = new Lockstep({ data: this.#watch.data, capabilities: bounds.capabilities, numbers, crashes, lost });
  }

  get #store(): Store {
    return memoryStore({ data: this.#watch.data, capabilities: this.#bounds.capabilities });
  }

  #context(store: Store): commands.CommandContext {
    return { store, migrations: [this.#options.migration], clock: this.lockstep.clockOf('operator'), by: 'operator' };
  }

  get state(): string {
    return `${this.lockstep.state} ${this.#numbers.of(this.#told)}`;
  }

  begin(): void {
    const { minds, workers, clients } = this.#bounds;
    for (let i = 1; i <= workers; i++) this.#play(`w${i}`, (own) => this.#work(`w${i}`, own, 1 + minds.length));
    clients.forEach((type, i) => {
      this.#play(`c${i + 1}`, (own) => this.#call(`c${i + 1}`, own, type, i + 1));
    });
    if (minds.length > 0) this.#play('operator', (own) => this.#command(own));
  }

  #play(name: string, act: (own: Store) => Promise<void>): void {
    act(this.lockstep.storeOf(name)).catch((error: unknown) => {
      this.#thrown = error;
    });
  }

  take(turn: Turn): void {
    this.#steps++;
    this.#last = turn.process;
    if (turn.mishap) this.trace.push(`${String(this.#steps).padStart(4)}  ${turn.process} meets ${turn.mishap}`);
    turn.take();
  }

  /** After each step: by whoever took it. */
  check(): void {
    if (this.#thrown) {
      const { stack = '' } = this.#thrown as Error;
      throw this.#thrown instanceof Violation ? this.#thrown : new Violation('thrown', stack);
    }
    const role = this.#last.startsWith('w') ? 'worker' : this.#last.startsWith('c') ? 'application' : 'operator';
    this.#watch.check({ name: this.#last, role });
  }

  /** Passes over both homes, as a worker's lane makes them; over again when the operator has changed his mind. */
  async #work(name: string, store: Store, passes: number): Promise<void> {
    for (let pass = 0; pass < passes; pass++) {
      for (const home of ['S', 'T'] as const) {
        this.lockstep.forget(name, `pass ${pass} over ${home}`);
        await this.#passOver(name, store, home);
      }
    }
  }

  /** True when something was moved. */
  async #passOver(worker: string, store: Store, home: 'S' | 'T'): Promise<boolean> {
    const { migration } = this.#options;
    const clock = this.lockstep.clockOf(worker);
    const at = moment(clock);
    const campaign = (await load(store, 'campaign', documentKey('campaign', campaignId(migration.name, 1))))!;
    let moved = false;
    const events = {
      moved: () => {
        moved = true;
      },
    };
    await workOnRange({
      store,
      clock,
      events,
      worker,
      migration,
      look: { campaign, at },
      range: { rule: 0, home },
      claim: UNCLAIMED,
      oldHomes: {},
      filled: new Set(),
      groupsInHand: new Map(),
      takeIn: undefined,
      pacer: new Pacer(clock),
      onPage: () => undefined,
      workers: async () => 1,
      onlyCooling: () => {},
      signal: new AbortController().signal,
    });
    return moved;
  }

  async #call(name: string, store: Store, type: Wish['type'], n: number): Promise<void> {
    const router = new Router({ store, rule: this.#subject.rule, clock: this.lockstep.clockOf(name) });
    const change = (record: object) => this.#options.change(record as never, n) as never;
    await this.#history.note(name, router, this.#subject, wishOf(type, this.#subject, change));
  }

  async #command(store: Store): Promise<void> {
    const { migration } = this.#options;
    const context = this.#context(store);
    const say = { reverse: commands.reverse, switch: commands.switchOver, start: commands.start };
    for (const mind of this.#bounds.minds) {
      try {
        await say[mind](context, migration.name);
      } catch (error) {
        if (!(error instanceof HandoverError) || error.code !== 'gate.closed') throw error;
      }
    }
  }

  /** What there is to begin with: the record and the campaign, begun, and brought to rest where that is asked for. */
  static async beginningOf(subjects: Subjects, bounds: Bounds): Promise<Beginning> {
    const world = new SmallWorld(subjects, bounds, [], new Numbers());
    const store = world.#store;
    const { keys, content } = world.#subject;
    if (bounds.present) await store.overwrite([{ key: keys.S, content }]);
    world.#watch.begin();
    const campaign = await commands.start(world.#context(store), subjects.migration.name, { to: bounds.begin });
    if (bounds.settled) await world.#settle();
    const found = await store.read([keys.S, keys.T, documentKey('campaign', campaign.id)]);
    return found.filter((entity) => entity !== undefined);
  }

  /** Passes of a worker that is alone, until nothing moves. */
  async #settle(): Promise<void> {
    for (let pass = 0; pass < MOST_PASSES; pass++) {
      const moved = [await this.#passOver('w0', this.#store, 'S'), await this.#passOver('w0', this.#store, 'T')];
      this.#watch.checkMoves('w0');
      if (!moved.includes(true)) return;
    }
    throw new Violation('P4', 'a worker that is alone does not come to an end');
  }

  /** Everybody is done: what was answered has an explanation, and one worker alone brings the record to rest (P4). */
  async end(): Promise<void> {
    await this.#settle();
    const { targets } = await commands.theCampaign({ store: this.#store }, this.#options.migration.name);
    const wanted = targets[0]!.target;
    for (const { state } of this.#watch.states()) {
      if (REST[wanted].includes(state) || state === 'birth') continue;
      throw new Violation('P4', `it is ${state}, and wanted ${wanted}`);
    }
    const router = new Router({ store: this.#store, rule: this.#subject.rule, clock: this.lockstep.clockOf('judge') });
    await this.#history.note('judge', router, this.#subject, { type: 'get' });
    const wrong = this.#history.disorder(() =>
      this.#bounds.present ? this.#subject.textOf(this.#subject.plain) : undefined,
    );
    if (wrong) throw new Violation('P3', wrong);
  }
}

/** Nobody else is at the range, and nothing is checkpointed: a pass over one record. */
const UNCLAIMED = {
  range: { v: 1 as const, done: false, counts: {} },
  isDue: false,
  checkpoint: async () => true,
  keep: () => {},
  settled: async () => {},
};

const MOST_PASSES = 12;
