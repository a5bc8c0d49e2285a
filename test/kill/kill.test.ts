import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { countRecords } from '../../src/admin/records.ts';
import { campaignStatus } from '../../src/admin/status.ts';
import { systemClock } from '../../src/clock.ts';
import { loadConfig } from '../../src/define/load.ts';
import { verify } from '../../src/engine/verify.ts';
import { chance } from '../../src/testing/choices.ts';
import { check } from './check.ts';
import { fill } from './feeds.ts';
import { Killer, type Moment } from './killer.ts';
import { LiveProject } from './processes.ts';

const RECORDS = 8_000;
const KILLS = 50;
/** Decides when workers die, and which records are written. */
const SEED = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const REPLAY = `SEED=${SEED} npx vitest run test/kill/kill.test.ts`;

const project = new LiveProject(RECORDS, (folder) => ({
  imports: "import { lmdbStore } from 'handover/store/lmdb';",
  store: `lmdbStore({ path: ${JSON.stringify(join(folder, 'data'))} })`,
}));
afterAll(() => project.dispose());

it('a campaign whose two workers are killed fifty times under a live writer loses nothing (P5)', {
  timeout: 240_000,
}, async () => {
  process.stdout.write(`replay: ${REPLAY}\n`);
  const { config, migrations } = await loadConfig(project.config);
  const store = await config.store();
  const context = { store, migrations, clock: systemClock, by: 'test' };
  await fill(store, RECORDS);
  const writer = project.writer(RECORDS, SEED, 2);
  const random = chance(SEED);
  // Soon after a command, and every fifth time, one dies wherever it is, in its start maybe; the others in the middle of
  // their work, a moment that traffic chooses.
  const moment: Moment = async ({ firstMove }, { kills, first, longer }) => {
    if (!first && kills % 5 !== 0) await Promise.race([firstMove, writer.after(3000)]);
    await writer.after(1 + Math.floor(random() * 200 * longer));
  };
  const campaignNow = () => commands.theCampaign(context, 'feeds');
  const killer = new Killer({ start: () => project.worker(), campaign: campaignNow, moment, legMs: 60_000 });
  const leg = async (command: (context: commands.CommandContext, name: string) => Promise<unknown>, kills?: number) => {
    await command(context, 'feeds');
    await Promise.race([killer.leg(kills), writer.failed]);
  };

  await leg(commands.start);
  // He does not wait for what he asked for; then he does, and wants something else all the same.
  await leg(commands.switchOver, 4);
  await leg(commands.reverse, 4);
  await leg(commands.switchOver);
  do {
    await leg(commands.reverse);
    await leg(commands.switchOver);
  } while (killer.kills < KILLS);
  // Counted once each, by whoever lived long enough to write it down; the writer changes nobody's state here.
  const countsAgree = async () => {
    const { states } = await campaignStatus(context, await campaignNow());
    expect(states, REPLAY).toEqual(await countRecords(context, 'feeds'));
  };
  await countsAgree();
  await leg(commands.complete);
  await writer.stop();
  await killer.stop();

  const { ledger } = writer;
  const found = await check(store, RECORDS, ledger);
  expect(found.problems, REPLAY).toEqual([]);
  expect(found, REPLAY).toMatchObject({ records: RECORDS, writes: ledger.acknowledged });
  const campaign = await campaignNow();
  const report = await verify(store, migrations[0]!, campaign, context);
  expect(report, REPLAY).toMatchObject({ clean: true, started: RECORDS, completed: RECORDS, duplicates: 0, gaps: 0 });
  await countsAgree();
  const changes = campaign.history.length - 1;
  expect(changes, REPLAY).toBeGreaterThanOrEqual(6);
  expect(killer.ended, REPLAY).toEqual([]);
  expect(killer.kills, REPLAY).toBeGreaterThanOrEqual(KILLS);
  for (const stage of ['copying', 'switching', 'reversing', 'completing']) {
    expect(killer.byStage.get(stage), `kills while ${stage}; ${REPLAY}`).toBeGreaterThan(0);
  }
  expect(killer.firstMoves.length).toBeGreaterThan(KILLS / 3);
  // There is no recovery to wait for: it looks and moves. Some find nothing to move just then; hence the median. How long
  // Node takes to start is the machine's affair, and printed.
  const sinceLoaded = killer.firstMoves.map((first) => first.sinceLoaded);
  expect(quantile(sinceLoaded, 0.5), REPLAY).toBeLessThan(1000);
  const byStage = [...killer.byStage].map(([stage, count]) => `${count} ${stage}`).join(', ');
  process.stdout.write(
    `killed ${killer.kills} times (${byStage}); ${changes} changes of mind; ${ledger.acknowledged} writes acknowledged, ` +
      `${found.writes} found; ${found.moves} moves in the journals; first moves after ` +
      `${summary(killer.firstMoves.map((first) => first.sinceSpawn))} ms, ${summary(sinceLoaded)} ms of them at work\n`,
  );
  await store.close();
});

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}

function summary(values: readonly number[]): string {
  const at = (share: number) => Math.round(quantile(values, share));
  return `${at(0)} to ${at(1)}, median ${at(0.5)}`;
}
