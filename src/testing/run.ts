import type { Target } from '../../machines/moves.ts';
import * as commands from '../admin/commands.ts';
import { isHeldUp } from '../admin/stuck.ts';
import { upgrade } from '../admin/upgrade.ts';
import { campaignId } from '../engine/campaigns.ts';
import { uniform } from '../engine/targets.ts';
import { verify } from '../engine/verify.ts';
import { HandoverError, isPassing } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { PlainRecord } from '../record/plain.ts';
import type { Store } from '../store/store.ts';
import type { Choices } from './choices.ts';
import { type Register, type Wish, wishOf } from './history.ts';
import { strayReference, writeReferrer, wroteLate } from './referrers.ts';
import { type Mind, type Scenario, SPACE, type Space, scenarioOf, UPGRADES, type Wait } from './scenario.ts';
import { Endless, type Process } from './schedule.ts';
import type { Subject, Subjects } from './subject.ts';
import { REST, Violation } from './watch.ts';
import { World } from './world.ts';

export interface Run {
  readonly scenario: Scenario;
  readonly violation: Violation | undefined;
  /** What happened, a line each. */
  readonly trace: readonly string[];
  /** Calls that were let through. */
  readonly steps: number;
  /** How often each move was made from each state. */
  readonly moves: ReadonlyMap<string, number>;
  /** How often each fault struck each kind of call. */
  readonly faults: ReadonlyMap<string, number>;
  /** How often each kind of call of a client got each kind of answer. */
  readonly answers: ReadonlyMap<string, number>;
}

/** What a run of these subjects is drawn from. */
export const spaceOf = ({ next }: Subjects): Space => (next ? UPGRADES : SPACE);

/** Calls of each phase after which a run counts as one that never ends. */
const MOST_CALLS = 5_000;

/**
 * One run: workers, clients and an operator on one data set, with faults (safety); then, without any, to where the
 * operator wants all records at last (liveness). A function of the choices: the same for the same.
 */
export async function run(subjects: Subjects, choices: Choices, space: Space = spaceOf(subjects)): Promise<Run> {
  // All of a run is done before the event loop goes round: what the one before left is let go of here.
  await new Promise<void>((resolve) => setImmediate(resolve));
  const scenario = scenarioOf(choices, subjects.records.length, space);
  const world = new World(subjects, scenario, choices);
  let violation: Violation | undefined;
  try {
    await new Play(world, subjects, space).live();
  } catch (error) {
    violation = asViolation(error);
  }
  const { trace, schedule, watch, faults, history } = world;
  schedule.close();
  return {
    scenario,
    violation,
    trace,
    steps: schedule.steps,
    moves: watch.moves,
    faults,
    answers: history.answers,
  };
}

function asViolation(error: unknown): Violation {
  if (error instanceof Violation) return error;
  if (error instanceof Endless) return new Violation('P4', error.message);
  // A process ended with what no store's doing.
  return new Violation('thrown', error instanceof Error ? (error.stack ?? error.message) : String(error));
}

/** Who does what in a world. */
class Play {
  readonly #world: World;
  readonly #subjects: Subjects;
  readonly #space: Space;
  #over = false;
  /** The campaign was over while the application went on: what it inserts then is nobody's. */
  #closedEarly = false;
  #insertedLate = false;
  #writes = 0;

  constructor(world: World, subjects: Subjects, space: Space) {
    this.#world = world;
    this.#subjects = subjects;
    this.#space = space;
  }

  async live(): Promise<void> {
    const { scenario, schedule, store } = this.#world;
    await this.#world.seed();
    // A start is a probe of the store first, which tells nothing here and takes its time.
    const starter = this.#context(this.#world.process('operator', 'operator'), store);
    const { migration, ceiling } = this.#subjects;
    await commands.start(starter, migration.name, { to: this.#begin, ...(ceiling ? { ceiling } : {}) });
    const workers = scenario.workers.map((lanes, i) => this.#worker(`w${i + 1}`, lanes));
    const unlessBroken = <R>(work: Promise<R>) =>
      Promise.race([work, ...workers.map((worker) => worker as Promise<never>)]);
    const clients = scenario.clients.map((client, i) => this.#client(`c${i + 1}`, client));
    await schedule.run(unlessBroken(Promise.all([this.#operator(), ...clients])), MOST_CALLS);
    this.#world.tell('from here on there are no faults');
    await schedule.run(unlessBroken(this.#world.clearUp().then(() => this.#end())), MOST_CALLS);
    this.#over = true;
    await this.#judge();
  }

  /** What compares the old homes with the new ones stops before the old ones go. */
  get #begin(): Scenario['begin'] {
    const compares = this.#subjects.migration.invariants.some(({ must }) => must === 'match');
    const { begin } = this.#world.scenario;
    return compares && begin === 'completed' ? 'switched' : begin;
  }

  /** Life after life. Rejects with what was no store's doing. */
  async #worker(name: string, lanes: number): Promise<void> {
    for (let life = 1; !this.#over; life++) {
      const process = this.#world.process(`${name}x${life}`, 'worker');
      await Promise.race([this.#world.workerOf(process, lanes).run(new AbortController().signal), process.death]);
    }
  }

  async #client(name: string, { calls, moves }: Scenario['clients'][number]): Promise<void> {
    const { choices, history, subjects } = this.#world;
    let life: { readonly process: Process; readonly routerOf: (subject: Subject) => Register } | undefined;
    for (let i = 0; i < calls; i++) {
      if (!life || life.process.isDead) {
        const process = this.#world.process(name, 'application');
        life = { process, routerOf: this.#world.routersOf(process, moves) };
      }
      await this.#wait(life.process, choices.of(this.#space.waits));
      const { referrers = [] } = this.#subjects;
      if (referrers.length > 0 && choices.below(3) === 0) {
        const write = writeReferrer(this.#world.storeOf(life.process), this.#world, referrers);
        await Promise.race([write, life.process.death]);
        continue;
      }
      const subject = choices.of(subjects);
      const call = history.note(name, life.routerOf(subject), subject, this.#wish(subject));
      await this.#world.called(life.process, call);
    }
  }

  async #wait(process: Process, wait: Wait): Promise<void> {
    const slept = wait === 'move' ? process.clock.sleep(1_000, this.#world.nextMove) : process.clock.sleep(wait);
    await Promise.race([slept, process.death]);
  }

  #wish(subject: Subject): Wish {
    const n = ++this.#writes;
    const change = (record: PlainRecord) => this.#subjects.change(record as never, n) as PlainRecord;
    return wishOf(this.#world.choices.of(this.#space.wishes), subject, change);
  }

  /** Changes his mind now and then. His laptop may be closed at any call. */
  async #operator(): Promise<void> {
    for (const { wait, mind } of this.#world.scenario.minds) await this.#insist(wait, mind);
  }

  async #insist(wait: Wait, mind: Mind): Promise<void> {
    for (let attempt = 0; attempt < 30; attempt++) {
      const process = this.#world.process('operator', 'operator');
      await this.#wait(process, attempt === 0 ? wait : 100);
      const said = await Promise.race([this.#say(process, mind), process.death]);
      this.#world.tell(`operator says ${mind}: ${said ?? 'and is gone'}`);
      if (said !== undefined && said !== 'gate.closed') return;
    }
  }

  /** What came of a command: `done`, or the code of its refusal. */
  async #say(process: Process, mind: Mind): Promise<string> {
    const isUpgraded = await this.#isUpgraded();
    // The application comes first: it must know the shape that the new home will have.
    if (SENDING.includes(mind) && isUpgraded && !this.#world.deploy()) return 'gate.closed';
    // The next version is put beside the first one when it is to take over: a second run would begin with it.
    const migrations = this.#world.migrationsOf(process.name).slice(isUpgraded || mind === 'upgrade' ? 0 : -1);
    const context = { ...this.#context(process, this.#world.storeOf(process)), migrations };
    try {
      await COMMANDS[mind](context, this.#subjects.migration.name);
      return 'done';
    } catch (error) {
      if (!(error instanceof HandoverError)) throw error;
      const { code } = error;
      if (isPassing(error) || REFUSALS.includes(code)) return code;
      // A probe whose writes lose to nobody takes the store for an unsafe one, and begins nothing.
      if (code === 'store.unsafe' && this.#world.scenario.weather.kinds.includes('conflict')) return code;
      throw error;
    }
  }

  /** With the first version alone. */
  #context({ clock, name }: Process, store: Store): commands.CommandContext {
    return { store, migrations: this.#world.migrationsOf(name).slice(-1), clock, by: 'operator' };
  }

  async #isUpgraded(): Promise<boolean> {
    const { store } = this.#world;
    const { name, version } = this.#subjects.migration;
    return (await commands.theCampaign({ store }, name)).migrationVersion > version;
  }

  /** Until the campaign rests where the operator wants it at last, by a sweep that began after all else was over. */
  async #end(): Promise<void> {
    const { scenario, store } = this.#world;
    const { name } = this.#subjects.migration;
    const process = this.#world.process('operator', 'operator');
    const look = () => commands.theCampaign({ store }, name);
    const before = await look();
    this.#closedEarly = before.closed || before.id !== campaignId(name, 1);
    let told = '';
    // Without guards, what somebody saw before the last sweep may land after it: the next one brings that back (rule 4).
    let isPatient = !store.capabilities.guards;
    const mayLinger = scenario.habits.held > 0 || scenario.habits.heldWrites > 0;
    for (;;) {
      const campaign = await look();
      // Processes that died over a range, one after the other, are no bad page here: he has it tried again.
      const context = this.#context(process, store);
      if (await isHeldUp(context, campaign)) await commands.retry(context, name);
      const next = stepTo(scenario.ending, campaign, campaign.generation > before.generation);
      if (next === 'rests' && (campaign.closed || !isPatient || !(mayLinger || this.#strayFrom(scenario.ending))))
        return;
      if (next === 'rests') {
        isPatient = false;
        await process.clock.sleep(LIMITS.restSweepMs + LIMITS.actWithinMs);
      } else if (next !== 'wait') {
        const said = await this.#say(process, next);
        const line = `operator says ${next} on the way to ${scenario.ending}: ${said}`;
        if (line !== told) this.#world.tell(line);
        told = line;
        if (said === 'done') continue;
      }
      await process.clock.sleep(250);
    }
  }

  /** A record that is not at rest there, if there is one. */
  #strayFrom(ending: Target): string | undefined {
    for (const { subject, state, isUnmoved } of this.#world.watch.states()) {
      // Inserted, or about to be, when its old home had been looked over for the last time: it is found where it was put.
      if (state === 'birth' || (ending === 'completed' && isUnmoved)) this.#insertedLate = true;
      else if (!REST[ending].includes(state)) return `${subject.keys.S} is ${state}, and wanted ${ending}`;
    }
    return undefined;
  }

  /** What must be true of a campaign that rests, and of all that was answered. */
  async #judge(): Promise<void> {
    const { history, subjects, scenario, store } = this.#world;
    const campaign = await commands.theCampaign({ store }, this.#subjects.migration.name);
    const migration = this.#world.migrationsOf('judge').find(({ version }) => version === campaign.migrationVersion)!;
    if (await this.#isUpgraded()) this.#world.deploy();
    // What was closing may have closed before the operator could have it otherwise.
    const closedAt = campaign.stage === 'completed' ? 'completed' : 'home';
    const ending = campaign.closed ? closedAt : scenario.ending;
    const stray = this.#closedEarly ? undefined : this.#strayFrom(ending);
    if (stray) throw new Violation('P4', stray);
    const judge = this.#world.process('judge', 'application');
    const routerOf = this.#world.routersOf(judge, 'never', store);
    for (const subject of subjects) await history.note('judge', routerOf(subject), subject, { type: 'get' });
    const wrong = history.disorder((subject) => {
      return scenario.present[subjects.indexOf(subject)] ? subject.textOf(subject.plain) : undefined;
    });
    if (wrong) throw new Violation('P3', wrong);
    const isFirst = campaign.id === campaignId(migration.name, 1);
    const wrongKey = isFirst && strayReference(this.#world, this.#subjects, ending);
    if (wrongKey) throw new Violation('references', wrongKey);
    if (this.#closedEarly || this.#insertedLate) return;
    const report = await verify(store, migration, campaign, { clock: judge.clock, restart: true });
    // What was written since the last command, no sweep may have seen.
    const late = (report.references?.stale ?? 0) > 0 && wroteLate(this.#world, this.#subjects);
    if (!report.clean && !late) throw new Violation('verify', JSON.stringify(report));
  }
}

/**
 * What an operator does next who wants all records there. `heard`: he has said something since all else was over; what
 * was swept before proves nothing of now.
 */
function stepTo(ending: Target, campaign: commands.Campaign, heard: boolean): Mind | 'wait' | 'rests' {
  const { stage, run, closed, settledAt, targets, switchGateOpen } = campaign;
  const aim = uniform(targets);
  const rests = settledAt !== undefined;
  if (closed) return 'rests';
  if (run === 'paused') return 'resume';
  // A command waits for its hooks: another one would take its place. So does a campaign that is over, and then it closes.
  if (campaign.pending || stage === 'completed' || stage === 'cancelled') return 'wait';
  if (stage === 'cancelling') return ending === 'home' ? 'wait' : 'start';
  if (stage === 'completing') return ending === 'completed' ? 'wait' : 'reverse';
  if (ending === 'home') return 'cancel';
  if (ending === 'copied') {
    if (stage === 'switching' || stage === 'switched') return 'reverse';
    if (aim !== 'copied' || !heard) return 'start';
    return rests ? 'rests' : 'wait';
  }
  if (aim !== 'switched' && (stage === 'copying' || !switchGateOpen)) {
    if (aim !== 'copied') return 'start';
    return rests ? 'switch' : 'wait';
  }
  if (aim !== 'switched' || !heard) return 'switch';
  if (!rests) return 'wait';
  return ending === 'completed' ? 'complete' : 'rests';
}

/** What an operator may be told. The definition changes when another version takes over just then. */
const REFUSALS: readonly string[] = ['gate.closed', 'campaign.refused', 'upgrade.refused', 'definition.changed'];

/** What makes the new home the owner. */
const SENDING: readonly Mind[] = ['switch', 'switch half', 'complete'];

const COMMANDS: Readonly<Record<Mind, (context: commands.CommandContext, name: string) => Promise<unknown>>> = {
  // A second run would be another campaign, and begin with a probe of the store.
  start: async (context, name) => {
    if ((await commands.theCampaign(context, name)).closed) return;
    await commands.start(context, name);
  },
  switch: commands.switchOver,
  'switch half': (context, name) => commands.switchOver(context, name, { share: 50 }),
  reverse: commands.reverse,
  upgrade,
  'reverse half': (context, name) => commands.reverse(context, name, { share: 50 }),
  pause: commands.pause,
  resume: commands.resume,
  complete: commands.complete,
  cancel: commands.cancel,
};
