import { PubSub } from '@google-cloud/pubsub';
import * as commands from '../../src/admin/commands.ts';
import { lookAtSweep } from '../../src/admin/sweepStatus.ts';
import { systemClock } from '../../src/clock.ts';
import { loadConfig } from '../../src/define/load.ts';
import type { Migration } from '../../src/define/migration.ts';
import { type VerifyReport, verify } from '../../src/engine/verify.ts';
import { unlessPassing } from '../../src/errors.ts';
import { datastoreStore } from '../../src/store/datastore/datastore.ts';
import type { Store } from '../../src/store/store.ts';
import { chance } from '../../src/testing/choices.ts';
import type { Mode } from '../emulators/emulator.ts';
import { check } from '../kill/check.ts';
import { fill } from '../kill/feeds.ts';
import { LiveProject, type WriterProcess } from '../kill/processes.ts';
import { inTurn, opening } from '../soak/soak.ts';
import { Crew } from './crew.ts';
import { movesByPlace } from './shares.ts';

export interface FleetOptions {
  /** Of running emulators: of Cloud Datastore, and of Cloud Pub/Sub. */
  readonly datastore: string;
  readonly pubsub: string;
  readonly mode: Mode;
  readonly records: number;
  readonly workers: number;
  /** Decides which records are written, and how long workers live; not how fast the machine is. */
  readonly seed: number;
  /** The first worker of a place lives up to so long, each later one longer. */
  readonly lifeMs: number;
  /** How long a client waits for an answer; a campaign waits as long before it closes. */
  readonly deadlineMs: number;
  /** How long each command may take to come to rest. */
  readonly legMs: number;
  /** Of each of the writer's four clients between two writes. */
  readonly pauseMs: number;
  readonly onProgress?: (line: string) => void;
}

export interface FleetReport {
  readonly records: number;
  readonly seed: number;
  /** From the first command to the end of the campaign; and of each command. */
  readonly seconds: number;
  readonly legs: Readonly<Record<string, number>>;
  readonly kills: number;
  /** Of all moves in the journals, the part of each worker's place, 0 to 1. */
  readonly shares: readonly number[];
  readonly acknowledged: number;
  readonly uncertain: number;
  readonly found: number;
  readonly clean: boolean;
  readonly verify: Readonly<Record<'started' | 'completed' | 'quarantined' | 'duplicates' | 'gaps', number>>;
  /** All that is wrong: nothing should be. */
  readonly problems: readonly string[];
}

/** An emulator that has to collect its garbage does not answer for a while: a verification goes on where it was. */
async function verified(
  store: Store,
  migration: Migration,
  campaign: commands.Campaign,
  say: (line: string) => void,
): Promise<VerifyReport> {
  for (let restart = true; ; restart = false) {
    const report = await unlessPassing(verify(store, migration, campaign, { clock: systemClock, restart }), (error) =>
      say(error.message),
    );
    if (report) return report;
    await systemClock.sleep(30_000);
  }
}

const LEGS: Readonly<Record<string, (context: commands.CommandContext, name: string) => Promise<unknown>>> = {
  'start --to switched': (context, name) => commands.start(context, name, { to: 'switched' }),
  complete: commands.complete,
};

/**
 * A campaign on Cloud Datastore worked on by a fleet that Cloud Pub/Sub hands its ranges, whose workers are killed at any
 * moment and started again, while an application writes. Every acknowledged write must be found, and every worker must
 * have done a fair part.
 */
export async function fleet(options: FleetOptions): Promise<FleetReport> {
  const { records, seed, datastore: emulatorHost, onProgress: say = () => {} } = options;
  const projectId = `fleet-${systemClock.id(4)}`;
  await createTopic(options.pubsub, projectId);
  const project = new LiveProject(records, () => ({
    imports: `import { datastoreStore } from 'handover/store/datastore';
      import { pubsubDispatch } from 'handover/dispatch/pubsub';`,
    store: opening({ projectId, emulatorHost, deadlineMs: options.deadlineMs }, options.mode),
    dispatch: `pubsubDispatch(${JSON.stringify({ ...NAMES, projectId, emulatorHost: options.pubsub })})`,
  }));
  const opened = await datastoreStore({ projectId, emulatorHost, deadlineMs: options.deadlineMs });
  const store = options.mode === 'firestore' ? opened : inTurn(opened);
  try {
    say(`seeding ${records} records`);
    await fill(store, records);
    const writer = project.writer(records, seed, options.pauseMs);
    await Promise.race([writer.after(1), writer.failed]);
    return await campaign(options, store, project, writer);
  } finally {
    project.dispose();
    await store.close();
  }
}

const NAMES = { topic: 'handover', subscription: 'handover-workers', deadLetterTopic: 'handover-dead' } as const;

async function createTopic(apiEndpoint: string, projectId: string): Promise<void> {
  const client = new PubSub({ projectId, apiEndpoint, emulatorMode: true, universeDomain: 'googleapis.com' });
  const [topic] = await client.createTopic(NAMES.topic);
  await client.createTopic(NAMES.deadLetterTopic);
  await topic.createSubscription(NAMES.subscription, { ackDeadlineSeconds: 10 });
  await client.close();
}

async function campaign(
  { records, seed, workers: size, lifeMs, legMs, onProgress: say = () => {} }: FleetOptions,
  store: Store,
  project: LiveProject,
  writer: WriterProcess,
): Promise<FleetReport> {
  const { migrations } = await loadConfig(project.config);
  const context = { store, migrations, clock: systemClock, by: 'fleet' };
  const crew = new Crew({ size, start: () => project.worker(), random: chance(seed), lifeMs });
  const legs: Record<string, number> = {};
  const began = performance.now();
  const secondsSince = (then: number) => Math.round((performance.now() - then) / 100) / 10;
  const campaignNow = () => commands.theCampaign(context, 'feeds');
  for (const [name, command] of Object.entries(LEGS)) {
    const legBegan = performance.now();
    await command(context, 'feeds');
    for (let looks = 1; ; looks++) {
      const now = await campaignNow();
      if (now.settledAt !== undefined || now.closed) break;
      if (performance.now() - legBegan > legMs) throw new Error(`It never came to rest: ${JSON.stringify(now)}`);
      await Promise.race([systemClock.sleep(100), writer.failed]);
      if (looks % 100 > 0) continue;
      const { progress } = (await lookAtSweep(context, now)) ?? {};
      const share = Math.round(100 * (progress?.share ?? 0));
      say(`${now.stage}, sweep ${now.generation}.${now.sweep}, ${share} %; ${crew.kills} kills`);
    }
    legs[name] = secondsSince(legBegan);
  }
  const seconds = secondsSince(began);
  await writer.stop();
  await crew.stop();
  say(`checking ${writer.ledger.acknowledged} writes`);
  const found = await check(store, records, writer.ledger);
  const moves = await movesByPlace(store, records, crew.placeOf, size);
  say(`found ${found.writes} of them, and ${found.problems.length} problems; moves by place: ${moves}; verifying`);
  const report = await verified(store, migrations[0]!, await campaignNow(), say);
  const all = moves.reduce((sum, n) => sum + n, 0);
  const { started, completed, quarantined, duplicates, gaps, clean } = report;
  return {
    records,
    seed,
    seconds,
    legs,
    kills: crew.kills,
    shares: moves.map((n) => Math.round((1000 * n) / all) / 1000),
    acknowledged: writer.ledger.acknowledged,
    uncertain: writer.ledger.uncertain,
    found: found.writes,
    clean,
    verify: { started, completed, quarantined, duplicates, gaps },
    problems: [
      ...found.problems,
      ...(clean && started === records && completed === records ? [] : [`verify found ${JSON.stringify(report)}`]),
      ...crew.ended.map((said) => `a worker ended: ${said}`),
    ],
  };
}
