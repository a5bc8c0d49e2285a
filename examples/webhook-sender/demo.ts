import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { commands, systemClock, Worker } from 'handover';
import { lmdbStore } from 'handover/store/lmdb';
import { Application } from './lib/application.ts';
import { type Proof, prove } from './lib/proof.ts';
import { listen, Subscriber } from './lib/subscribers.ts';
import migration from './migrations/new-endpoints.ts';

/**
 * Events flow to subscribers while their records are re-keyed and their endpoints switched, half of the way back, and over
 * again. Then all that arrived is counted. See README.md; `--subscribers N`, and `--json` for the proof as the last line.
 */
const { values } = parseArgs({
  options: { subscribers: { type: 'string', default: '200' }, json: { type: 'boolean', default: false } },
});
const count = Number(values.subscribers);
if (!Number.isSafeInteger(count) || count < 40) {
  console.error('--subscribers is a whole number from 40 on: there is one of each kind then.');
  process.exit(2);
}
const say = (line: string) => (values.json ? process.stderr : process.stdout).write(`${line}\n`);

const folder = mkdtempSync(join(tmpdir(), 'handover-sender-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

const proof = await main();
show(proof);
if (values.json) process.stdout.write(`${JSON.stringify(proof)}\n`);
process.exit(proof.holds ? 0 : 1);

async function main(): Promise<Proof> {
  const store = lmdbStore({ path: folder });
  const subscribers = new Map(Array.from({ length: count }, (_, i) => [i + 1, new Subscriber(i + 1)]));
  const { urls, close } = await listen(subscribers);
  const application = new Application(store, urls);
  await application.seed();

  const quarantined = new Set<string>();
  const events = { quarantined: ({ key }: { readonly key: string }) => quarantined.add(key) };
  const worker = new Worker({ store, migrations: [migration], clock: systemClock, events });
  const context = { store, migrations: [migration], clock: systemClock, by: 'demo' };
  const [living, working] = [new AbortController(), new AbortController()];
  const parts = [worker.run(working.signal), application.send(working.signal), application.live(living.signal)];
  // A part that fails ends the demo.
  const broken = Promise.all(parts);
  broken.catch(() => undefined);
  const all = <R>(work: Promise<R>): Promise<R> => Promise.race([work, broken.then(() => work)]);

  const { start, switchOver, reverse, complete } = commands;
  const name = migration.name;
  const steps: readonly [string, () => Promise<unknown>][] = [
    ['start', () => start(context, name, { ramp: false })],
    ['switch', () => switchOver(context, name)],
    ['reverse --share 50', () => reverse(context, name, { share: 50 })],
    ['switch', () => switchOver(context, name)],
    ['complete --leave-quarantined', () => complete(context, name, { leaveQuarantined: true })],
  ];
  for (const [title, command] of steps) {
    const [from, before] = [performance.now(), application.events];
    await command();
    await all(rest(context));
    const seconds = ((performance.now() - from) / 1000).toFixed(1);
    say(`handover ${title}: ${seconds} s, during ${application.events - before} events`);
  }
  living.abort();
  say('All is switched. What is under way arrives:');
  while ((await all(application.waiting())) > 0) await all(sleep(100));
  working.abort();
  await broken;
  const proof = await prove(store, application, subscribers, [...quarantined]);
  close();
  await store.close();
  return proof;
}

async function rest(context: commands.CommandContext): Promise<void> {
  for (;;) {
    const { run, pausedBecause, settledAt, closed } = await commands.theCampaign(context, migration.name);
    if (run === 'paused') throw new Error(`The campaign paused by itself: ${pausedBecause}.`);
    if (settledAt !== undefined || closed) return;
    await sleep(50);
  }
}

function show(proof: Proof): void {
  const { subscribers, refusing, addressed, effects, doubles, switched, stayed, quarantined, records } = proof;
  say('');
  say(`  events for their subscribers    ${addressed}`);
  say(`  took effect, once each          ${effects}   (${doubles} came in again, and were dropped by their id)`);
  say(`  not made or not signed by us    ${proof.invented + proof.forgeries}`);
  say(`  records below their account     ${records} of ${subscribers}`);
  say(`  switched to the new endpoint    ${switched} of ${subscribers - refusing}`);
  say(`  refuse the challenge            ${refusing}: ${stayed} stayed at the old one, ${quarantined} are listed`);
  say(proof.holds ? '  It holds.' : '  IT DOES NOT HOLD.');
}
