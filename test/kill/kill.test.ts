import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { systemClock } from '../../src/clock.ts';
import { loadConfig } from '../../src/define/load.ts';
import { verify } from '../../src/engine/verify.ts';
import { toPlain } from '../../src/record/plain.ts';
import { decodeSlot } from '../../src/record/slot.ts';
import type { KeyRange, Store } from '../../src/store/store.ts';
import { feedOf, newKey, seed } from '../engine/harness.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const RECORDS = 8_000;
const KILLS = 50;
const folder = mkdtempSync(join(tmpdir(), 'handover-kill-'));
const children = new Set<ChildProcess>();

afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/** A user's project: a configuration, a migration, and the package among its modules. */
function project(): string {
  mkdirSync(join(folder, 'migrations'));
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(ROOT, join(folder, 'node_modules/handover'));
  copyFileSync(join(import.meta.dirname, 'writer.mjs'), join(folder, 'writer.mjs'));
  writeFileSync(
    join(folder, 'handover.config.mjs'),
    `import { defineConfig } from 'handover';
     import { lmdbStore } from 'handover/store/lmdb';
     export default defineConfig({ store: () => lmdbStore({ path: ${JSON.stringify(join(folder, 'data'))} }) });`,
  );
  writeFileSync(
    join(folder, 'migrations/feeds.mjs'),
    `import { defineMigration, entity, key } from 'handover';
     export const rule = entity({
       from: 'Feed',
       into: 'User/Feed',
       to: (feed, old) => key('User', feed.user, 'Feed', old.id),
       forward: ({ title, ...feed }) => ({ ...feed, name: title.toUpperCase() }),
       backward: ({ name, ...feed }) => ({ ...feed, title: name.toLowerCase() }),
     });
     export default defineMigration({ name: 'feeds', version: 1, records: [rule] });`,
  );
  return join(folder, 'handover.config.mjs');
}

function start(args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

/** An acknowledged write: what `visits` became, and when the writer heard so. */
interface Written {
  readonly value: number;
  readonly at: number;
}

interface WorkerProcess {
  readonly child: ChildProcess;
  /** Resolves with its first move. */
  readonly firstMove: Promise<FirstMove>;
}

/** Milliseconds to a first move: from the start of the process, and from when Node and the project were loaded. */
interface FirstMove {
  readonly sinceSpawn: number;
  readonly sinceLoaded: number;
}

function startWorker(): WorkerProcess {
  const began = performance.now();
  const child = start([join(ROOT, 'dist/src/cli/main.js'), 'work', '--config', join(folder, 'handover.config.mjs')]);
  let loaded = began;
  const firstMove = new Promise<FirstMove>((done) => {
    createInterface({ input: child.stderr! }).on('line', (line) => {
      const now = performance.now();
      if (line.includes('"worker.started"')) loaded = now;
      if (line.includes('"move.made"')) done({ sinceSpawn: now - began, sinceLoaded: now - loaded });
      else if (!line.startsWith('{')) process.stderr.write(`worker: ${line}\n`);
    });
  });
  return { child, firstMove };
}

it('a campaign whose two workers are killed fifty times under a live writer loses nothing (P5)', {
  timeout: 240_000,
}, async () => {
  const { config, migrations } = await loadConfig(project());
  const store = await config.store();
  const context = { store, migrations, clock: systemClock, by: 'test' };
  await seed(store, RECORDS);

  const acknowledged = new Map<number, Written[]>();
  let writes = 0;
  let wanted: { count: number; reached: () => void } | undefined;
  const writer = start([join(folder, 'writer.mjs'), join(folder, 'data'), String(RECORDS)]);
  const writerDone = new Promise<void>((done) => {
    createInterface({ input: writer.stdout! }).on('line', (line) => {
      if (line === 'done') return done();
      const [n, value, at] = line.split(' ').map(Number) as [number, number, number];
      acknowledged.set(n, [...(acknowledged.get(n) ?? []), { value, at }]);
      writes++;
      if (wanted && writes >= wanted.count) wanted.reached();
    });
  });
  createInterface({ input: writer.stderr! }).on('line', (line) => process.stderr.write(`writer: ${line}\n`));
  const afterWrites = (more: number) =>
    new Promise<void>((reached) => {
      wanted = { count: writes + more, reached };
    });

  await commands.start(context, 'feeds');
  const workers = [startWorker(), startWorker()];
  const firstMoves: FirstMove[] = [];
  let flips = 0;
  for (let kills = 0; kills < KILLS; kills++) {
    flips += await wantSomethingElse(context, kills % 4 === 3);
    const victim = workers[kills % 2]!;
    void victim.firstMove.then((first) => firstMoves.push(first));
    // Every fifth dies anywhere in its start; the others in the middle of their work, a moment that traffic chooses.
    if (kills % 5 !== 0) await Promise.race([victim.firstMove, afterWrites(3000)]);
    await afterWrites(1 + Math.floor(Math.random() * 200));
    victim.child.kill('SIGKILL');
    await once(victim.child, 'exit');
    workers[kills % 2] = startWorker();
  }
  await settle(context, 'switched');
  await commands.complete(context, 'feeds');
  await settle(context, 'completed');
  writer.kill('SIGTERM');
  await writerDone;
  expect(firstMoves.length).toBeGreaterThan(KILLS / 3);
  // There is no recovery to wait for: it looks and moves. Some find nothing to move just then; hence the median. How long
  // Node takes to start is the machine's affair, and printed.
  const sinceLoaded = firstMoves.map((first) => first.sinceLoaded);
  expect(quantile(sinceLoaded, 0.5)).toBeLessThan(1000);
  const counts = await checkResult(store, acknowledged);
  const report = await verify(store, migrations[0]!, await commands.theCampaign(context, 'feeds'), context);
  expect(report).toMatchObject({ clean: true, started: RECORDS, completed: RECORDS, duplicates: 0, gaps: 0 });
  expect(flips).toBeGreaterThan(0);
  process.stdout.write(
    `killed ${KILLS} times; ${flips} changes of mind; ${writes} writes acknowledged, ${counts.found} found; ` +
      `${counts.moves} moves in the journals; first moves after ` +
      `${summary(firstMoves.map((first) => first.sinceSpawn))} ms, ${summary(sinceLoaded)} ms of them at work\n`,
  );
  await store.close();
});

/** When the campaign has come to rest, and sometimes before, the operator wants something else: there is always work. */
async function wantSomethingElse(context: commands.CommandContext, impatient: boolean): Promise<number> {
  const { settledAt, switchGateOpen, stage } = await commands.theCampaign(context, 'feeds');
  if (!switchGateOpen || (settledAt === undefined && !impatient)) return 0;
  if (stage === 'switched' || stage === 'switching') await commands.reverse(context, 'feeds');
  else await commands.switchOver(context, 'feeds');
  return 1;
}

async function settle(context: commands.CommandContext, stage: string): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (performance.now() < deadline) {
    const campaign = await commands.theCampaign(context, 'feeds');
    if (campaign.stage === stage && (campaign.settledAt !== undefined || campaign.closed)) return;
    if (campaign.settledAt !== undefined && stage === 'switched') await commands.switchOver(context, 'feeds');
    await systemClock.sleep(50);
  }
  throw new Error(
    `the campaign did not become ${stage}: ${JSON.stringify(await commands.theCampaign(context, 'feeds'))}`,
  );
}

/** Every acknowledged write is found, and each journal counts up by one without a repetition. */
async function checkResult(store: Store, acknowledged: ReadonlyMap<number, readonly Written[]>) {
  let found = 0;
  let moves = 0;
  let seen = 0;
  let range: KeyRange = { namespace: '', kind: 'Feed', rootKind: 'User' };
  for (let more = true; more; ) {
    const page = await store.scan(range, 1000);
    for (const entity of page.entities) {
      const n = Number(entity.key.id);
      const { user, title } = feedOf(n);
      const written = acknowledged.get(n) ?? [];
      const visits = written.length;
      expect(entity.key.toString()).toBe(newKey(n).toString());
      const plain = toPlain(entity.content.properties);
      expect(plain, `${entity.slot} ${JSON.stringify(written)}`).toEqual({ user, name: title.toUpperCase(), visits });
      const { journal } = decodeSlot(entity.slot!);
      journal.slice(1).forEach((entry, i) => {
        expect(entry.seq, entity.slot).toBe(journal[i]!.seq + 1);
        // A second refresh is of what a client has written since; any other move twice in a row would be done twice.
        if (!entry.move.startsWith('refresh')) expect(entry.move, entity.slot).not.toBe(journal[i]!.move);
      });
      found += visits;
      moves += journal.length;
      seen++;
    }
    more = page.more;
    range = { ...range, after: page.entities.at(-1)!.key };
  }
  expect(seen).toBe(RECORDS);
  return { found, moves };
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}

function summary(values: readonly number[]): string {
  const at = (share: number) => Math.round(quantile(values, share));
  return `${at(0)} to ${at(1)}, median ${at(0.5)}`;
}
