import type { EntityRule } from '../define/entity.ts';
import type { Migration } from '../define/migration.ts';
import { viewOf } from '../define/parts.ts';
import { Worker } from '../engine/worker.ts';
import { Content } from '../record/content.ts';
import { fromPlain, type PlainRecord } from '../record/plain.ts';
import { Router } from '../router/router.ts';
import { memoryStore } from '../store/memory.ts';
import type { Entity, Store } from '../store/store.ts';
import type { Choices } from './choices.ts';
import { faultyStore, type Sky } from './faults.ts';
import { History, type Register } from './history.ts';
import { HookCalls } from './hookCalls.ts';
import { Post } from './post.ts';
import { seededReferrers } from './referrers.ts';
import { type Scenario, STORES } from './scenario.ts';
import { type Process, Schedule } from './schedule.ts';
import { type NextVersion, Subject, type Subjects } from './subject.ts';
import { Violation, Watch, type Writer } from './watch.ts';

/** One data set, and the processes that use it: each with a store and a clock of its own, all in one order of calls. */
export class World {
  readonly subjects: readonly Subject[];
  readonly schedule: Schedule;
  readonly history: History;
  readonly watch: Watch;
  readonly choices: Choices;
  readonly scenario: Scenario;
  /** What happened, a line each. */
  readonly trace: string[] = [];
  /** How often each fault struck each kind of call. */
  readonly faults = new Map<string, number>();
  readonly #options: Subjects;
  readonly #sky: Sky;
  readonly #hooks: HookCalls;
  #isClear = false;
  readonly #post: Post;
  readonly #writers = new Map<Process, Writer>();
  readonly #said: string[] = [];
  /** What a campaign paused over because of its invariants: what clients write keeps them. */
  #broken: string | undefined;
  #moving = new AbortController();
  #last: Process | undefined;
  /** Whether the next version of the application is deployed, and the calls under way that began before. */
  #isNext = false;
  readonly #before = new Set<Promise<void>>();

  constructor(options: Subjects, scenario: Scenario, choices: Choices) {
    const { migration, records, next } = options;
    this.#options = options;
    this.scenario = scenario;
    this.choices = choices;
    this.schedule = new Schedule(choices, scenario.habits);
    const fellows: Subject[] = [];
    this.subjects = records
      .slice(0, scenario.present.length)
      .map((record) => new Subject(migration, record, migration.references.length > 0 ? fellows : [], next));
    fellows.push(...this.subjects);
    const tell = (line: string) => this.tell(line);
    this.#post = new Post(choices, tell);
    // What a client is told it learns after what was written is seen.
    this.history = new History((line) => this.#said.push(line));
    this.#hooks = new HookCalls({
      choices,
      isStormy: () => !this.#isClear,
      tell,
      has: (key) => this.watch.data.get(key) !== undefined,
    });
    const onControl = (document: Entity | undefined) =>
      document && this.#hooks.look(this.migrationsOf('')[0]!, document);
    this.watch = new Watch({
      subjects: this.subjects,
      referrers: options.referrers ?? [],
      tell,
      ...(options.hooked ? { onControl } : {}),
    });
    this.#sky = {
      choices,
      weather: scenario.weather,
      landing: new Set(),
      onFault: (process, kind, op) => {
        const name = `${kind} ${op}`;
        this.faults.set(name, (this.faults.get(name) ?? 0) + 1);
        tell(`${process.name} meets ${kind} in ${op}`);
      },
      onCall: (process) => {
        this.#last = process;
      },
    };
    this.schedule.onStep = () => {
      const moved = this.watch.check(this.#last && this.#writers.get(this.#last)!);
      for (const line of this.#said.splice(0)) this.tell(line);
      this.#hooks.check();
      if (this.#broken !== undefined) throw new Violation('invariant', this.#broken);
      if (!moved) return;
      this.#moving.abort('moved');
      this.#moving = new AbortController();
    };
  }

  /** What is there at the beginning. */
  async seed(): Promise<void> {
    const { store, subjects, scenario } = this;
    const { containers = [], migration } = this.#options;
    const present = subjects.filter((_, i) => scenario.present[i]);
    await store.overwrite(containers.map(({ key, record }) => ({ key, content: Content.of(fromPlain(record)) })));
    await viewOf(store, migration).overwrite(present.map(({ keys, content }) => ({ key: keys.S, content })));
    await store.overwrite(seededReferrers(this.#options, subjects));
    this.watch.begin();
  }

  /** Aborts when a worker moves a record. */
  get nextMove(): AbortSignal {
    return this.#moving.signal;
  }

  tell(line: string): void {
    this.trace.push(`${String(this.schedule.steps).padStart(5)}  ${line}`);
  }

  process(name: string, role: Writer['role']): Process {
    const process = this.schedule.process(name);
    this.#writers.set(process, { name, role });
    return process;
  }

  /** The data as that process has them. */
  storeOf(process: Process): Store {
    return faultyStore(process, this.watch.data, STORES[this.scenario.store]!, this.#sky);
  }

  /** The data as they are, at once and without a fault: for whoever looks on. */
  get store(): Store {
    return memoryStore({ data: this.watch.data, capabilities: STORES[this.scenario.store]! });
  }

  /** All versions of the migration, the newest first, as that process has them. */
  migrationsOf(process: string): readonly Migration[] {
    const { migration, next, hooked } = this.#options;
    const all = next ? [next.migration, migration] : [migration];
    return hooked ? all.map((each) => this.#hooks.hooked(each, process)) : all;
  }

  workerOf(process: Process, lanes: number): Worker {
    const { clock, name: id } = process;
    const paused = (_: string, because: string) => {
      if (because.startsWith('invariant ')) this.#broken ??= because;
    };
    const migrations = this.migrationsOf(id);
    const handed = this.scenario.dispatch === 'post' ? { dispatch: this.#post.dispatchOf(process) } : {};
    return new Worker({ store: this.storeOf(process), migrations, clock, id, lanes, events: { paused }, ...handed });
  }

  /** No fault from here on, and no call that takes long. Resolves when all that was under way has landed. */
  async clearUp(): Promise<void> {
    this.#isClear = true;
    this.#sky.weather = { perMille: { records: 0, documents: 0 }, kinds: [] };
    this.schedule.calm();
    this.#post.isCalm = true;
    await Promise.all(this.#sky.landing);
  }

  /**
   * Deploys the next version of the application, which every call that begins from here on goes through. False while one
   * that began before is still under way: then nothing may be wanted yet in the shape that only the next version reads.
   */
  deploy(): boolean {
    this.#isNext = true;
    return this.#before.size === 0;
  }

  /** The routers of one process of the application, in the version that is deployed when each is asked for. */
  routersOf(
    process: Process,
    moves: 'never' | 'write' | 'read',
    store: Store = this.storeOf(process),
  ): (subject: Subject) => Register {
    const { migration, next } = this.#options;
    const routers = new Map<EntityRule, Register>();
    const routerOf = (of: Migration, rule: EntityRule): Register => {
      const migrate = moves === 'never' ? {} : { migrate: { on: moves, migration: of } };
      const router = routers.get(rule) ?? new Router({ store, rule, clock: process.clock, ...migrate });
      routers.set(rule, router);
      return router;
    };
    return ({ rule }) => {
      if (!next || !this.#isNext) return routerOf(migration, rule);
      return inNewShape(routerOf(next.migration, next.migration.records[migration.records.indexOf(rule)]!), next);
    };
  }

  /** A call of the application, as long as its process lives. */
  async called(process: Process, call: Promise<void>): Promise<void> {
    if (!this.#isNext) this.#before.add(call);
    await Promise.race([call, process.death]).finally(() => this.#before.delete(call));
  }
}

/** Code of the next version: it reads and writes its own shape, and what it finds must be in it. */
function inNewShape(router: Register, { newer, older }: NextVersion): Register {
  const write = (record: PlainRecord) => newer(record as never) as PlainRecord;
  const read = (record: PlainRecord): PlainRecord => {
    const found = older(record as never);
    if (!found) throw new Violation('P3', `the next version was given ${JSON.stringify(record)}`);
    return found as PlainRecord;
  };
  const orNot = async (found: Promise<PlainRecord | undefined>) => (await found) && read((await found)!);
  return {
    get: (address) => orNot(router.get(address)),
    update: (address, change) => orNot(router.update(address, (record) => write(change(read(record))))),
    put: async (address, record) => read(await router.put(address, write(record))),
    insert: (address, record) => router.insert(address, write(record)),
    delete: (address) => router.delete(address),
  };
}
