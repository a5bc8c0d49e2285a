import { isDeepStrictEqual } from 'node:util';
import * as commands from '../../src/admin/commands.ts';
import { lookAtSweep } from '../../src/admin/sweepStatus.ts';
import { systemClock } from '../../src/clock.ts';
import { loadConfig } from '../../src/define/load.ts';
import type { Migration } from '../../src/define/migration.ts';
import { verify } from '../../src/engine/verify.ts';
import { datastoreStore } from '../../src/store/datastore/datastore.ts';
import type { Store } from '../../src/store/store.ts';
import { chance } from '../../src/testing/choices.ts';
import type { Mode } from '../emulators/emulator.ts';
import { check } from '../kill/check.ts';
import { fill } from '../kill/feeds.ts';
import { Killer, type Moment } from '../kill/killer.ts';
import { LiveProject, type WriterProcess } from '../kill/processes.ts';
import { CALM, Network, type Weather } from './network.ts';

export interface SoakOptions {
  /** Of a running emulator. */
  readonly host: string;
  readonly mode: Mode;
  readonly records: number;
  /** Decides when workers die, what befalls connections, and which records are written; not how fast the machine is. */
  readonly seed: number;
  /**
   * How long a client waits for an answer. Far longer than a query takes while others are asked: an emulator goes on with
   * one that was given up, and more and more of them leave no time for any.
   */
  readonly deadlineMs: number;
  /** How long a connection whose answers are swallowed may stay, at most. */
  readonly stallMs: number;
  readonly weather: Weather;
  /** The first worker of each leg lives up to this, from its first move on; each later one longer. */
  readonly lifeMs: number;
  /** How long a leg may take to come to rest. */
  readonly legMs: number;
  readonly onProgress?: (line: string) => void;
}

const KILLS_BEFORE_A_CHANGE = 6;
/** Of each of the writer's four clients. */
const PAUSE_MS = 20;

export interface SoakReport {
  readonly mode: Mode;
  readonly records: number;
  readonly seed: number;
  /** From the first command to the end of the campaign; and of each leg of it. */
  readonly seconds: number;
  readonly recordsPerSecond: number;
  readonly legs: Readonly<Record<string, number>>;
  readonly kills: number;
  readonly killsByStage: Readonly<Record<string, number>>;
  /** Workers that ended by themselves, for the store did not answer, and were started again. */
  readonly restarts: number;
  /** See `Weather`; `swallowedAnswers` of all `answers`, in so many `swallows`. */
  readonly network: Network['counts'];
  /** Writes of the application that it was told of, those of which nobody could tell it, and those found in the end. */
  readonly acknowledged: number;
  readonly uncertain: number;
  readonly found: number;
  readonly moves: number;
  readonly verify: Readonly<
    Record<'started' | 'completed' | 'quarantined' | 'inFlight' | 'duplicates' | 'gaps', number>
  >;
  readonly clean: boolean;
  readonly peakMegabytes: number;
  /** All that is wrong: nothing should be. */
  readonly problems: readonly string[];
}

/**
 * A campaign on Cloud Datastore whose two workers are killed, and restarted, over and over, while an application writes,
 * and the network between all of them and the store cuts, delays and swallows; there, back, there again, and completed.
 */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const { host, mode, records, seed, deadlineMs, stallMs } = options;
  const network = await Network.to(host, { random: chance(seed), delayMs: 200, stallMs });
  const projectId = `soak-${systemClock.id(4)}`;
  // Said, and not found out, where queries lag: a probe overlooks it now and then.
  const consistency = mode === 'legacy' ? { consistency: 'eventual' as const } : {};
  const project = new LiveProject(records, () => {
    const through = { projectId, deadlineMs, emulatorHost: network.host, ...consistency };
    return {
      imports: "import { datastoreStore } from 'handover/store/datastore';",
      store: opening(through, mode),
    };
  });
  try {
    const store = await datastoreStore({ projectId, emulatorHost: host, ...consistency });
    try {
      const { migrations } = await loadConfig(project.config);
      return await new Soak(options, { store, migration: migrations[0]!, project, network }).run();
    } finally {
      await store.close();
    }
  } finally {
    project.dispose();
    network.close();
  }
}

/** How a project opens its store, on an emulator of this mode. */
export function opening(options: object, mode: Mode): string {
  const open = `datastoreStore(${JSON.stringify(options)})`;
  return mode === 'firestore' ? open : `${open}.then(${inTurn})`;
}

/**
 * Both sides of a record are looked at in turn, not in a read-only transaction: one whose process was killed stays open for
 * a minute in this emulator, which meanwhile copies all it holds for each write to an entity group that was read in it.
 */
export const inTurn = (store: Store): Store => {
  const capabilities = { ...store.capabilities, snapshotReads: false, maxTogether: 0 };
  return { ...store, capabilities };
};

interface World {
  /** Straight to the emulator. */
  readonly store: Store;
  readonly migration: Migration;
  readonly project: LiveProject;
  readonly network: Network;
}

class Soak {
  readonly #options: SoakOptions;
  readonly #world: World;
  readonly #legs: Record<string, number> = {};
  #peakBytes = 0;

  constructor(options: SoakOptions, world: World) {
    this.#options = options;
    this.#world = world;
  }

  async run(): Promise<SoakReport> {
    const { records, seed, weather } = this.#options;
    const { store, project, network } = this.#world;
    this.#say(`seeding ${records} records`);
    await fill(store, records);
    const writer = project.writer(records, seed, PAUSE_MS);
    await Promise.race([writer.after(1), writer.failed]);
    network.weather = weather;
    const killer = this.#killer();
    const reporting = setInterval(() => void this.#progress(killer, writer), 5_000);
    const began = performance.now();
    try {
      await Promise.race([this.#journey(killer), writer.failed]);
      const seconds = (performance.now() - began) / 1000;
      await writer.stop();
      await killer.stop();
      network.close();
      return await this.#report(seconds, killer, writer);
    } finally {
      clearInterval(reporting);
      await killer.stop();
    }
  }

  /** There, almost back, there again. The weather clears for the very end: a campaign closes on proof that nothing is under way. */
  async #journey(killer: Killer): Promise<void> {
    const { network } = this.#world;
    await this.#leg('start', commands.start, () => killer.leg());
    await this.#leg('switch', commands.switchOver, () => killer.leg());
    await this.#leg('reverse', commands.reverse, () => killer.leg(KILLS_BEFORE_A_CHANGE));
    await this.#leg('switch again', commands.switchOver, () => killer.leg());
    await this.#leg('complete', commands.complete, () => killer.leg(KILLS_BEFORE_A_CHANGE));
    network.weather = CALM;
    await this.#timed('close', () => killer.rest());
  }

  async #leg(
    name: string,
    command: (context: commands.CommandContext, name: string) => unknown,
    then: () => Promise<void>,
  ) {
    this.#say(name);
    await command(this.#context, 'feeds');
    await this.#timed(name, then);
  }

  async #timed(name: string, act: () => Promise<void>): Promise<void> {
    const began = performance.now();
    await act();
    this.#legs[name] = Math.round((performance.now() - began) / 1000);
  }

  #killer(): Killer {
    const { seed, lifeMs, legMs } = this.#options;
    const { project } = this.#world;
    const random = chance(seed + 1);
    const moment: Moment = async ({ firstMove }, { longer }) => {
      await Promise.race([firstMove, systemClock.sleep(lifeMs)]);
      await systemClock.sleep(random() * lifeMs * longer);
    };
    return new Killer({ start: () => project.worker(), campaign: () => this.#campaign(), moment, legMs });
  }

  #campaign(): Promise<commands.Campaign> {
    return commands.theCampaign(this.#context, 'feeds');
  }

  get #context(): commands.CommandContext {
    const { store, migration } = this.#world;
    return { store, migrations: [migration], clock: systemClock, by: 'soak' };
  }

  #say(line: string): void {
    this.#options.onProgress?.(line);
  }

  async #progress({ kills }: Killer, { ledger }: WriterProcess): Promise<void> {
    this.#peakBytes = Math.max(this.#peakBytes, process.memoryUsage.rss());
    const campaign = await this.#campaign();
    const { stage, generation, sweep } = campaign;
    const look = await lookAtSweep(this.#context, campaign);
    const share = Math.round(100 * (look?.progress.share ?? 0));
    const { cuts, delays, swallows } = this.#world.network.counts;
    this.#say(
      `${stage}, sweep ${generation}.${sweep}, ${share} %; ${kills} kills; ${cuts} cuts, ${delays} delays, ${swallows} swallows; ` +
        `${ledger.acknowledged} writes acknowledged, ${ledger.uncertain} uncertain`,
    );
  }

  async #report(seconds: number, killer: Killer, { ledger }: WriterProcess): Promise<SoakReport> {
    const { mode, records, seed } = this.#options;
    const { store, migration, network } = this.#world;
    this.#say('verifying');
    const campaign = await this.#campaign();
    const report = await verify(store, migration, campaign, { clock: systemClock, restart: true });
    const found = await check(store, records, ledger);
    const { started, completed, quarantined, inFlight, duplicates, gaps, seen, clean } = report;
    const wanted = { clean: true, stage: 'completed', seen: records, completed: records, duplicates: 0, gaps: 0 };
    const is = { clean, stage: campaign.stage, seen, completed, duplicates, gaps };
    const unexpected = killer.ended.filter((said) => !NO_ANSWER.test(said));
    return {
      mode,
      records,
      seed,
      seconds: Math.round(seconds),
      recordsPerSecond: Math.round(records / seconds),
      legs: this.#legs,
      kills: killer.kills,
      killsByStage: Object.fromEntries(killer.byStage),
      restarts: killer.ended.length,
      network: network.counts,
      acknowledged: ledger.acknowledged,
      uncertain: ledger.uncertain,
      found: found.writes,
      moves: found.moves,
      verify: { started, completed, quarantined, inFlight, duplicates, gaps },
      clean,
      peakMegabytes: Math.round(this.#peakBytes / 2 ** 20),
      problems: [
        ...found.problems,
        ...(isDeepStrictEqual(is, wanted) ? [] : [`verify found ${JSON.stringify({ ...report, ...is })}`]),
        ...unexpected.map((said) => `a worker ended: ${said}`),
      ],
    };
  }
}

/** What a worker says that found no store when it began. */
const NO_ANSWER = /^1: store\.(unavailable|unknown)\b/;
