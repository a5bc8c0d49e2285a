import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { commands, type Migration, type Store, systemClock, verify, Worker } from 'handover';
import { lmdbStore } from 'handover/store/lmdb';
import { countAll } from './lib/count.ts';
import { Ledger } from './lib/ledger.ts';
import { wrong } from './lib/wrong.ts';
import right from './migrations/ledger.ts';

/**
 * A ledger is moved while movements are booked, corrected and voided, and audited all the time: first with a definition
 * that cuts cents off, which is caught, then with the right one. See README.md; `--movements N`, and
 * `--json` for the proof as the last line.
 */
const { values } = parseArgs({
  options: {
    movements: { type: 'string', default: '2000' },
    json: { type: 'boolean', default: false },
  },
});
const count = Number(values.movements);
if (!Number.isSafeInteger(count) || count < 100) {
  console.error('--movements is a whole number from 100 on.');
  process.exit(2);
}
const say = (line: string) => (values.json ? process.stderr : process.stdout).write(`${line}\n`);
/** So long the application goes on after each step. */
const LIVE_MS = 500;

const store = await open();
const ledger = new Ledger(store, right);
await ledger.seed(count);
const [living, working] = [new AbortController(), new AbortController()];
const worker = new Worker({ store, migrations: [wrong, right], clock: systemClock });
const parts = [worker.run(working.signal), ledger.live(living.signal)];
// A part that fails ends the demo.
const broken = Promise.all(parts);
broken.catch(() => undefined);

const caught = await tryWrong();
await moveAll();
living.abort();
await parts[1];
working.abort();
await broken;
const { movements, leftBehind, wrong: miscounted } = await countAll(store, ledger);
await store.close();

const holds = ledger.wrong.length + miscounted.length + leftBehind === 0;
const proof = { ...ledger.counts, movements, leftBehind, caught, wrong: [...ledger.wrong, ...miscounted], holds };
say('');
say(`  booked, corrected, voided       ${proof.booked}, ${proof.corrected}, ${proof.voided}, while all was moved`);
say(
  `  audits through the router       ${proof.audits}, ${proof.balanced} of them of a whole book that nobody wrote just then`,
);
say(`  movements below their book      ${movements}, and ${leftBehind} left behind`);
for (const line of proof.wrong.slice(0, 10)) say(`  WRONG: ${line}`);
say(holds ? '  The books balance, to the cent.' : '  IT DOES NOT HOLD.');
if (values.json) process.stdout.write(`${JSON.stringify(proof)}\n`);
process.exit(holds ? 0 : 1);

async function open(): Promise<Store> {
  if (process.env['DATASTORE_EMULATOR_HOST']) {
    const { datastoreStore } = await import('handover/store/datastore');
    // A campaign waits before it closes for as long as a commit may take: not for long, here.
    return datastoreStore({ deadlineMs: 2000 });
  }
  const folder = mkdtempSync(join(tmpdir(), 'handover-ledger-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  return lmdbStore({ path: folder });
}

/** Resolves with why the campaign paused. */
async function tryWrong(): Promise<string> {
  const context = contextOf(wrong);
  const paused = await step('start, with a transform that cuts cents off', () =>
    commands.start(context, 'ledger', { ramp: false }),
  );
  if (paused === undefined) throw new Error('A transform that cuts cents off was not caught.');
  say(`  paused: ${paused}`);
  const campaign = await commands.theCampaign(context, 'ledger');
  const { invariants } = await verify(store, wrong, campaign, { clock: systemClock });
  for (const { name, state, groups, differing } of invariants!.results)
    say(`  verify: ${state.padEnd(9)} ${name}, ${differing} of ${groups} groups differ`);
  await commands.cancel(context, 'ledger', { reason: 'it cuts cents off' });
  await step('cancel, and resume', () => commands.resume(context, 'ledger'), 'closes');
  return paused;
}

async function moveAll(): Promise<void> {
  const context = contextOf(right);
  const { start, switchOver, reverse, complete } = commands;
  const steps: readonly [string, () => Promise<unknown>][] = [
    ['start, as it is right', () => start(context, 'ledger', { ramp: false })],
    ['switch --share 50', () => switchOver(context, 'ledger', { share: 50 })],
    ['reverse', () => reverse(context, 'ledger')],
    ['switch', () => switchOver(context, 'ledger')],
    ['complete', () => complete(context, 'ledger')],
  ];
  for (const [title, command] of steps) {
    const paused = await step(title, command, title === 'complete' ? 'closes' : undefined);
    if (paused !== undefined) throw new Error(`The campaign paused by itself: ${paused}.`);
  }
}

function contextOf(migration: Migration): commands.CommandContext {
  return { store, migrations: [migration], clock: systemClock, by: 'demo' };
}

/** Gives a command and waits until all rests. Resolves with why the campaign paused instead, if it did. */
async function step(title: string, command: () => Promise<unknown>, closes?: 'closes'): Promise<string | undefined> {
  // Without guards each look for an insert under way takes long: nothing new is booked for as long as the campaign closes.
  ledger.isBooking = !(closes && !store.capabilities.guards);
  const [from, before] = [performance.now(), writes()];
  await command();
  for (;;) {
    const { run, pausedBecause, settledAt, closed } = await commands.theCampaign({ store }, 'ledger');
    if (run === 'running' && settledAt === undefined && !closed) {
      await Promise.race([sleep(25), broken]);
      continue;
    }
    const seconds = ((performance.now() - from) / 1000).toFixed(1);
    await Promise.race([sleep(LIVE_MS), broken]);
    say(`handover ${title}: ${seconds} s, during and after it ${writes() - before} writes`);
    return run === 'paused' ? pausedBecause : undefined;
  }
}

function writes(): number {
  const { booked, corrected, voided } = ledger.counts;
  return booked + corrected + voided;
}
