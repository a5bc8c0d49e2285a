import type { Target } from '../../machines/moves.ts';
import * as commands from '../../src/admin/commands.ts';
import { field } from '../../src/define/field.ts';
import { defineMigration } from '../../src/define/migration.ts';
import { fieldStateOf, HOLDERS, holdField } from '../../src/engine/field.ts';
import { verify } from '../../src/engine/verify.ts';
import { Worker } from '../../src/engine/worker.ts';
import { HandoverError, isPassing } from '../../src/errors.ts';
import { LIMITS } from '../../src/limits.ts';
import { Content } from '../../src/record/content.ts';
import { type Key, key } from '../../src/record/key.ts';
import { fromPlain, toPlain } from '../../src/record/plain.ts';
import { FieldRouter } from '../../src/router/fieldRouter.ts';
import { memoryStore } from '../../src/store/memory.ts';
import { MemoryData } from '../../src/store/memoryData.ts';
import type { Mutation, Store, Version } from '../../src/store/store.ts';
import type { Choices } from '../../src/testing/choices.ts';
import { FAULTS, faultyStore, type Sky } from '../../src/testing/faults.ts';
import { type Answer, type Call, disorder, type Operation } from '../../src/testing/linearizable.ts';
import { STORES } from '../../src/testing/scenario.ts';
import { type Process, Schedule } from '../../src/testing/schedule.ts';

/**
 * Records that are rewritten in place, under workers, an operator who changes his mind, faults, and an application of
 * which instances of two versions run side by side: new ones by the router, and old ones that know nothing of it and read
 * and write the old property of the entity itself. For all of them together each record must be one register (P3).
 */
interface Old {
  mail: string;
}
interface New {
  email: string;
}

const rule = field<Old, New>({
  of: 'Tenant',
  old: ['mail'],
  new: ['email'],
  forward: ({ mail }) => ({ email: mail.toUpperCase() }),
  backward: ({ email }) => ({ mail: email.toLowerCase() }),
});
const tenants = defineMigration({ name: 'tenants', version: 1, fields: [rule] });

const KEYS = [key('Tenant', 1), key('Tenant', 2)];
const MINDS = [
  'start',
  'switch',
  'switch half',
  'reverse',
  'reverse half',
  'pause',
  'resume',
  'complete',
  'cancel',
] as const;
type Mind = (typeof MINDS)[number];

const half = { share: 50 };
const COMMANDS: Readonly<Record<Mind, (context: commands.CommandContext) => Promise<unknown>>> = {
  start: (context) => commands.start(context, 'tenants'),
  switch: (context) => commands.switchOver(context, 'tenants'),
  'switch half': (context) => commands.switchOver(context, 'tenants', half),
  reverse: (context) => commands.reverse(context, 'tenants'),
  'reverse half': (context) => commands.reverse(context, 'tenants', half),
  pause: (context) => commands.pause(context, 'tenants'),
  resume: (context) => commands.resume(context, 'tenants'),
  complete: (context) => commands.complete(context, 'tenants'),
  cancel: (context) => commands.cancel(context, 'tenants'),
};
const MOST_CALLS = 5_000;

export interface FieldRun {
  readonly violation: string | undefined;
  readonly trace: readonly string[];
  /** How often each state was seen after a write. */
  readonly states: ReadonlyMap<string, number>;
  readonly answers: ReadonlyMap<string, number>;
}

class Watched extends MemoryData {
  onWrite: (key: Key) => void = () => {};

  override apply(mutation: Mutation): Version {
    const version = super.apply(mutation);
    this.onWrite(mutation.key);
    return version;
  }
}

export async function runFields(choices: Choices): Promise<FieldRun> {
  await new Promise<void>((resolve) => setImmediate(resolve));
  const play = new Play(choices);
  let violation: string | undefined;
  try {
    await play.live();
  } catch (error) {
    violation = error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  play.schedule.close();
  return { violation, trace: play.trace, states: play.states, answers: play.answers };
}

class Play {
  readonly trace: string[] = [];
  readonly states = new Map<string, number>();
  readonly answers = new Map<string, number>();
  readonly schedule: Schedule;
  readonly #choices: Choices;
  readonly #data = new Watched();
  readonly #capabilities: (typeof STORES)[string];
  readonly #sky: Sky;
  readonly #workers = new Set<Process>();
  readonly #touched = new Set<Key>();
  readonly #values = new Map<Key, string | undefined>();
  readonly #operations = new Map<Key, Operation[]>(KEYS.map((each) => [each, []]));
  #last: Process | undefined;
  #moment = 0;
  #writes = 0;
  #over = false;

  constructor(choices: Choices) {
    this.#choices = choices;
    const of = <T>(all: readonly T[]) => choices.of(all);
    this.#capabilities = STORES[of(Object.keys(STORES))]!;
    const habits = { stubborn: of([0, 500, 900]), stalled: of([0, 5, 50, 300]), held: of([0, 0, 20]), heldWrites: 0 };
    this.schedule = new Schedule(choices, habits);
    const kinds = FAULTS.filter((kind) => kind !== 'stale' && choices.below(2) === 1);
    const perMille = { records: of([0, 10, 50, 200]), documents: of([0, 0, 5, 40]) };
    this.#sky = {
      choices,
      weather: { perMille, kinds },
      landing: new Set(),
      onFault: (process, kind, op) => this.#tell(`${process.name} meets ${kind} in ${op}`),
      onCall: (process) => {
        this.#last = process;
      },
    };
    this.#data.onWrite = (at) => {
      const mine = KEYS.find((each) => each.equals(at));
      if (mine) this.#touched.add(mine);
    };
    this.schedule.onStep = () => this.#check();
  }

  async live(): Promise<void> {
    const choices = this.#choices;
    const begin = choices.of(['copied', 'switched', 'completed'] as const);
    const ending = choices.of(['home', 'copied', 'switched', 'completed'] as const satisfies readonly Target[]);
    const minds = Array.from({ length: choices.of([0, 1, 1, 2, 3]) }, () => choices.of(MINDS));
    // Whoever reads the old property must be gone before it is.
    const oldMayRun = begin !== 'completed' && ending !== 'completed' && !minds.includes('complete');
    const raw = this.#store();
    for (const at of KEYS) {
      if (choices.below(4) > 0) await raw.overwrite([{ key: at, content: this.#content({ mail: 'v0', other: 1 }) }]);
      this.#values.set(at, this.#value(at));
    }
    const initial = new Map(this.#values);
    this.#touched.clear();
    await commands.start(this.#context(this.schedule.process('operator'), raw), 'tenants', { to: begin });
    const workers = Array.from({ length: choices.of([1, 2]) }, (_, i) => this.#worker(`w${i + 1}`));
    const unlessBroken = <R>(work: Promise<R>) =>
      Promise.race([work, ...workers.map((each) => each as Promise<never>)]);
    const news = Array.from({ length: choices.of([0, 1, 2]) }, (_, i) => this.#client(`new${i + 1}`, this.#byRouter));
    const olds = Array.from({ length: oldMayRun ? choices.of([0, 1, 2]) : 0 }, (_, i) =>
      this.#client(`old${i + 1}`, this.#directly),
    );
    const operator = async () => {
      for (const mind of minds) await this.#insist(mind);
    };
    await this.schedule.run(unlessBroken(Promise.all([operator(), ...news, ...olds])), MOST_CALLS);
    this.#tell('from here on there are no faults');
    this.#sky.weather = { perMille: { records: 0, documents: 0 }, kinds: [] };
    this.schedule.calm();
    await this.schedule.run(unlessBroken(Promise.all(this.#sky.landing).then(() => this.#end(ending))), MOST_CALLS);
    this.#over = true;
    await this.#judge(initial);
  }

  #tell(line: string): void {
    this.trace.push(`${String(this.schedule.steps).padStart(5)}  ${line}`);
  }

  #content = (plain: object) => Content.of(fromPlain(plain));

  #store(): Store {
    return memoryStore({ data: this.#data, capabilities: this.#capabilities });
  }

  #storeOf(process: Process): Store {
    return faultyStore(process, this.#data, this.#capabilities, this.#sky);
  }

  #held(at: Key) {
    const entity = this.#data.get(at);
    return entity && holdField(rule, entity);
  }

  /** What the record says, in its new shape. */
  #value(at: Key): string | undefined {
    const held = this.#held(at);
    if (!held) return undefined;
    const holder = HOLDERS[fieldStateOf(held)];
    if (holder === 'split') throw new Error(`P1: ${at} is split`);
    const said = holder === 'old' ? rule.forward(at, held.old!) : holder === 'new' ? held.now! : undefined;
    return said && (toPlain(said.properties)['email'] as string);
  }

  #check(): void {
    for (const at of this.#touched) {
      const [before, after] = [this.#values.get(at), this.#value(at)];
      this.#values.set(at, after);
      const held = this.#held(at);
      const state = held ? fieldStateOf(held) : 'gone';
      this.states.set(state, (this.states.get(state) ?? 0) + 1);
      const what = `${this.#last!.name} writes ${at}: ${state}, says ${after}`;
      this.#tell(what);
      if (held && toPlain(held.content.properties)['other'] !== 1)
        throw new Error(`P5: ${what}, and lost what is no part of it`);
      if (!this.#workers.has(this.#last!)) continue;
      if (before !== after) throw new Error(`P2: ${what}, and said ${before}`);
      if (held?.slot?.journal.at(-1)?.by !== this.#last!.name) throw new Error(`journal: ${what}, signed by another`);
    }
    this.#touched.clear();
  }

  async #worker(name: string): Promise<void> {
    for (let life = 1; !this.#over; life++) {
      const process = this.schedule.process(`${name}x${life}`);
      this.#workers.add(process);
      const options = {
        store: this.#storeOf(process),
        migrations: [tenants],
        clock: process.clock,
        id: process.name,
        lanes: 1,
      };
      await Promise.race([new Worker(options).run(new AbortController().signal), process.death]);
    }
  }

  async #client(name: string, act: (process: Process, at: Key, type: Call['type'], value: string) => Promise<Told>) {
    const choices = this.#choices;
    let process = this.schedule.process(name);
    for (let i = choices.of([1, 2, 3, 4]); i > 0; i--) {
      if (process.isDead) process = this.schedule.process(name);
      await Promise.race([process.clock.sleep(choices.of([0, 1, 50, 300, 6_000])), process.death]);
      const at = choices.of(KEYS);
      const type = choices.of(['get', 'get', 'update', 'update', 'put', 'insert', 'delete'] as const);
      await Promise.race([this.#note(process, at, type, act), process.death]);
    }
  }

  async #note(process: Process, at: Key, type: Call['type'], act: Act): Promise<void> {
    const value = `v${++this.#writes}`;
    const call = (type === 'get' || type === 'delete' ? { type } : { type, value: value.toUpperCase() }) as Call;
    const operation: { call: Call; answer: Answer; start: number; end: number } = {
      call,
      answer: { type: 'open' },
      start: ++this.#moment,
      end: Number.POSITIVE_INFINITY,
    };
    const operations = this.#operations.get(at)!;
    operations.push(operation);
    this.#tell(`${process.name} calls ${type} ${at} ${value}`);
    try {
      const told = await act.call(this, process, at, type, value);
      if (told === 'open') return;
      operation.answer = told;
      operation.end = ++this.#moment;
      const name = `${type} ${told.type}${'did' in told ? ` ${told.did}` : ''}`;
      this.answers.set(name, (this.answers.get(name) ?? 0) + 1);
      this.#tell(`${process.name} is told of ${type} ${at}: ${JSON.stringify(told)}`);
    } catch (error) {
      if (!(error instanceof HandoverError)) throw error;
      this.#tell(`${process.name} is told of ${type} ${at}: ${error.code}`);
      if (error.code === 'record.contended') operations.splice(operations.indexOf(operation), 1);
      else if (error.code !== 'store.unknown') throw error;
    }
  }

  /** A new instance. */
  async #byRouter(process: Process, at: Key, type: Call['type'], value: string): Promise<Told> {
    const { clock } = process;
    const on = this.#choices.of(['insert', 'write', 'read'] as const);
    const migrate = { on, migration: tenants };
    const router = new FieldRouter({ store: this.#storeOf(process), rule, clock, migrate });
    const record = { email: value.toUpperCase(), other: 1 };
    if (type === 'get') return { type: 'value', value: (await router.get(at))?.email };
    if (type === 'insert') return { type: 'did', did: await router.insert(at, record) };
    if (type === 'delete') return { type: 'did', did: await router.delete(at) };
    if (type === 'put') {
      await router.put(at, record);
      return { type: 'did', did: true };
    }
    let before = '';
    const written = await router.update(at, (now) => {
      before = now.email;
      return { ...now, email: record.email };
    });
    return written ? { type: 'over', before } : { type: 'did', did: false };
  }

  /** An old one: it loads, changes and saves, and minds that nobody was faster. A mapper saves only what it knows. */
  async #directly(process: Process, at: Key, type: Call['type'], value: string): Promise<Told> {
    const store = this.#storeOf(process);
    const isMapper = this.#choices.below(3) === 0;
    for (;;) {
      const [entity] = await store.read([at]);
      const plain = entity && toPlain(entity.content.properties);
      const now = plain && (plain['mail'] as string | undefined);
      if (type === 'get') return { type: 'value', value: now?.toUpperCase() };
      if (entity ? type === 'insert' : type === 'update' || type === 'delete') return { type: 'did', did: false };
      const known = { mail: value, other: 1 };
      const [outcome] = await store.commit([
        !entity
          ? { op: 'insert', key: at, content: this.#content(known) }
          : type === 'delete'
            ? { op: 'delete', key: at, version: entity.version }
            : {
                op: 'update',
                key: at,
                version: entity.version,
                content: this.#content(isMapper ? known : { ...plain, ...known }),
                ...(isMapper ? {} : { slot: entity.slot }),
              },
      ]);
      if (outcome!.status === 'unknown') return 'open';
      if (outcome!.status === 'busy') await process.clock.sleep(20);
      if (outcome!.status === 'applied')
        return type === 'update' ? { type: 'over', before: now!.toUpperCase() } : { type: 'did', did: true };
    }
  }

  async #insist(mind: Mind): Promise<void> {
    for (let attempt = 0; attempt < 30; attempt++) {
      const process = this.schedule.process('operator');
      await Promise.race([process.clock.sleep(this.#choices.of([1, 50, 300, 6_000])), process.death]);
      const said = await Promise.race([this.#say(process, mind), process.death]);
      this.#tell(`operator says ${mind}: ${said ?? 'and is gone'}`);
      if (said !== undefined && said !== 'gate.closed') return;
    }
  }

  async #say(process: Process, mind: Mind): Promise<string> {
    const context = this.#context(process, this.#storeOf(process));
    try {
      if ((await commands.theCampaign(context, 'tenants')).closed) return 'closed';
      await COMMANDS[mind](context);
      return 'done';
    } catch (error) {
      if (!(error instanceof HandoverError)) throw error;
      if (isPassing(error) || ['gate.closed', 'campaign.refused'].includes(error.code)) return error.code;
      throw error;
    }
  }

  #context({ clock }: Process, store: Store): commands.CommandContext {
    return { store, migrations: [tenants], clock, by: 'operator' };
  }

  /** Until the campaign rests where the operator wants it at last. */
  async #end(ending: Target): Promise<void> {
    const process = this.schedule.process('operator');
    const context = this.#context(process, this.#store());
    const look = () => commands.theCampaign(context, 'tenants');
    const { generation } = await look();
    for (;;) {
      const campaign = await look();
      if (campaign.closed) return;
      const heard = campaign.generation > generation;
      const rests = campaign.settledAt !== undefined;
      const aims = campaign.targets.every(({ target }) => target === ending);
      if (aims && heard && rests) {
        // What was seen before, and lands after: the next sweep brings that back.
        if (KEYS.every((at) => this.#restsAt(at, ending))) return;
        await process.clock.sleep(LIMITS.restSweepMs);
      } else if (campaign.run === 'paused') await this.#say(process, 'resume');
      else if (!aims || !heard) {
        const next = stepTo(ending, campaign);
        if (next !== 'wait') await this.#say(process, next);
      }
      await process.clock.sleep(250);
    }
  }

  #restsAt(at: Key, ending: Target): boolean {
    const held = this.#held(at);
    return !held || RESTS[ending].includes(fieldStateOf(held));
  }

  async #judge(initial: ReadonlyMap<Key, string | undefined>): Promise<void> {
    const store = this.#store();
    const judge = this.schedule.process('judge');
    const campaign = await commands.theCampaign({ store }, 'tenants');
    const router = new FieldRouter({ store, rule, clock: judge.clock });
    const look = async (_: Process, at: Key): Promise<Told> => ({
      type: 'value',
      value: (await router.get(at))?.email,
    });
    for (const at of KEYS) await this.#note(judge, at, 'get', look);
    for (const [at, operations] of this.#operations) {
      const wrong = disorder(operations, initial.get(at));
      if (wrong) throw new Error(`P3: ${at}: ${wrong}`);
    }
    const report = await verify(store, tenants, campaign, { clock: judge.clock, restart: true });
    // What is inserted when its range was swept for the last time stays as it was put there.
    if (!report.clean && !campaign.closed) throw new Error(`verify: ${JSON.stringify(report)}`);
  }
}

type Told = Exclude<Answer, { readonly type: 'open' }> | 'open';
type Act = (process: Process, at: Key, type: Call['type'], value: string) => Promise<Told>;

const RESTS: Readonly<Record<Target, readonly string[]>> = {
  home: ['atHome', 'absent'],
  copied: ['copied', 'absent'],
  switched: ['switched', 'completed', 'absent'],
  completed: ['completed', 'absent'],
};

/** What an operator says next who wants all records there. */
function stepTo(ending: Target, { stage, targets, switchGateOpen, settledAt }: commands.Campaign): Mind | 'wait' {
  const aim = targets[0]!.target;
  if (stage === 'cancelling') return 'start';
  if (stage === 'completing') return ending === 'completed' ? 'wait' : 'reverse';
  if (ending === 'home') return 'cancel';
  if (ending === 'copied') return stage === 'switching' || stage === 'switched' ? 'reverse' : 'start';
  if (ending === 'completed' && stage === 'switched' && settledAt !== undefined) return 'complete';
  if (switchGateOpen && stage !== 'copying') return 'switch';
  return aim === 'copied' && settledAt !== undefined ? 'switch' : 'start';
}
