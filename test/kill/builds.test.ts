import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { upgrade } from '../../src/admin/upgrade.ts';
import { version } from '../../src/cli/version.ts';
import { systemClock } from '../../src/clock.ts';
import { loadConfig } from '../../src/define/load.ts';
import { verify } from '../../src/engine/verify.ts';
import type { JournalEntry } from '../../src/record/slot.ts';
import { decodeSlot } from '../../src/record/slot.ts';
import type { Store } from '../../src/store/store.ts';
import { anotherBuild } from './builds.ts';
import { check } from './check.ts';
import { fill, migrationOf, newKey } from './feeds.ts';
import { killed, LiveProject, type WorkerProcess } from './processes.ts';

const RECORDS = 1_500;
const OTHER_VERSION = '99.0.0';
const REST_MS = 60_000;

/** The version before, which did not shout yet; and the one that the application's router has, too. */
const MIGRATION = migrationOf(RECORDS);
const FIRST = MIGRATION.replace('title.toUpperCase()', 'title');
const SECOND = MIGRATION.replace('version: 1', 'version: 2');

const project = new LiveProject(RECORDS, (folder) => ({
  imports: "import { lmdbStore } from 'handover/store/lmdb';",
  store: `lmdbStore({ path: ${JSON.stringify(join(folder, 'data'))} })`,
}));
afterAll(() => project.dispose());

it('workers of two builds take over from each other during a campaign, and one that knows only the older definition leaves it alone', async () => {
  const root = anotherBuild(join(project.folder, 'other'), OTHER_VERSION);
  const older = project.variant('older', { 'first.mjs': FIRST });
  const newer = project.variant('newer', { 'first.mjs': FIRST, 'second.mjs': SECOND });
  const { config, migrations } = await loadConfig(newer);
  expect(migrations.map((migration) => migration.version)).toEqual([2, 1]);
  const store = await config.store();
  const context = { store, migrations, clock: systemClock, by: 'test' };
  await fill(store, RECORDS);
  const writer = project.writer(RECORDS, 7, 5);
  const rest = () => Promise.race([restOf(context), writer.failed]);

  // Both are of this build, and know the first definition alone.
  const one = project.worker({ config: older });
  const two = project.worker({ config: older });
  expect(await versionsOf(one, two)).toEqual([version(), version()]);
  await commands.start({ ...context, migrations: migrations.slice(1) }, 'feeds');
  await Promise.race([one.firstMove, two.firstMove]);

  // The first of them gives way to the other build, which knows both, and goes on beside the second.
  await killed(one);
  const three = project.worker({ root, config: newer });
  expect(await versionsOf(three)).toEqual([OTHER_VERSION]);
  await rest();

  // From now on it is a campaign of the second definition: the older worker says so once, and makes no more moves.
  await upgrade(context, 'feeds');
  const { campaign: refused } = await two.told('campaign.refused');
  expect(refused).toBe('feeds.1');
  await three.firstMove;
  await rest();
  const upgradedAt = (await commands.theCampaign(context, 'feeds')).history.at(-1)!.at;
  const late = (await movesOf(store)).filter(({ by, at }) => at > upgradedAt && by !== 'client');
  expect(new Set(late.map(({ by }) => by))).toEqual(new Set([await idOf(three)]));
  expect(late.length).toBeGreaterThanOrEqual(RECORDS);

  // It gives way as well, to this build with both definitions; and the other build's is replaced while records switch.
  await killed(two);
  const four = project.worker({ config: newer });
  await idOf(four);
  await commands.switchOver(context, 'feeds');
  await four.firstMove;
  await killed(three);
  const five = project.worker({ root, config: newer });
  await rest();
  await commands.complete(context, 'feeds');
  await rest();
  await writer.stop();
  await Promise.all([four, five].map(killed));

  const { ledger } = writer;
  const found = await check(store, RECORDS, ledger);
  expect(found.problems).toEqual([]);
  expect(found).toMatchObject({ records: RECORDS, writes: ledger.acknowledged });
  expect(ledger.acknowledged).toBeGreaterThan(0);
  const report = await verify(store, migrations[0]!, await commands.theCampaign(context, 'feeds'), context);
  expect(report).toMatchObject({ clean: true, started: RECORDS, completed: RECORDS, duplicates: 0, gaps: 0 });
  await store.close();
});

const idOf = async (worker: WorkerProcess): Promise<string> => String((await worker.told('worker.started'))['worker']);

const versionsOf = (...workers: WorkerProcess[]): Promise<unknown[]> =>
  Promise.all(workers.map(async (each) => (await each.told('worker.started'))['version']));

async function restOf(context: commands.CommandContext): Promise<void> {
  const deadline = performance.now() + REST_MS;
  for (;;) {
    const campaign = await commands.theCampaign(context, 'feeds');
    if (campaign.settledAt !== undefined || campaign.closed) return;
    if (performance.now() > deadline) throw new Error(`It never came to rest: ${JSON.stringify(campaign)}`);
    await systemClock.sleep(20);
  }
}

/** All that the journals at the new home tell. */
async function movesOf(store: Store): Promise<JournalEntry[]> {
  const keys = Array.from({ length: RECORDS }, (_, i) => newKey(i + 1));
  const found = await store.read(keys);
  return found.flatMap((entity) => (entity?.slot === undefined ? [] : decodeSlot(entity.slot).journal));
}
