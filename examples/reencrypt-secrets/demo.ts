import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Content, commands, fromPlain, systemClock, toPlain, verify, Worker } from 'handover';
import { encipher, unseal } from './lib/ciphers.ts';
import { Clients } from './lib/clients.ts';
import { Fleet } from './lib/fleet.ts';
import { openStore } from './lib/store.ts';
import { tenantKey } from './lib/tenants.ts';
import migration from './migrations/seal-secrets.ts';

/**
 * Every tenant's secret is encrypted anew while tenants authenticate and choose other secrets, by a service that is
 * deployed in three versions on the way. See README.md; `--tenants N`, `--hands N` requests at a time, and `--json` for the proof as the last line.
 */
const { values } = parseArgs({
  options: {
    tenants: { type: 'string', default: '2000' },
    hands: { type: 'string', default: '4' },
    json: { type: 'boolean', default: false },
  },
});
const count = Number(values.tenants);
const hands = Number(values.hands);
if (!Number.isSafeInteger(count) || count < 10 || !(hands >= 1 && hands <= 10)) {
  console.error('--tenants is a whole number from 10 on, and --hands one from 1 to 10: requests at a time.');
  process.exit(2);
}
const say = (line: string) => (values.json ? process.stderr : process.stdout).write(`${line}\n`);

const folder = mkdtempSync(join(tmpdir(), 'handover-secrets-'));
const fleet = new Fleet(folder);
process.on('exit', () => {
  fleet.kill();
  rmSync(folder, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

const store = await openStore(folder);
const ids = Array.from({ length: count }, (_, i) => i + 1);
for (let i = 0; i < ids.length; i += 100) {
  await store.overwrite(
    ids.slice(i, i + 100).map((id) => {
      const tenant = { name: `tenant ${id}`, secret: encipher(`s-${id}`) };
      return { key: tenantKey(id), content: Content.of(fromPlain(tenant)) };
    }),
  );
}

const context = { store, migrations: [migration], clock: systemClock, by: 'demo' };
const clients = new Clients(fleet, new Map(ids.map((id) => [id, `s-${id}`])));
const [living, working] = [new AbortController(), new AbortController()];
const { name } = migration;
const { start, switchOver, reverse, complete } = commands;

/** One small change at a time, of code or of data, each compatible with the one before. */
const STEPS: readonly [string, () => Promise<unknown>][] = [
  ['deploy version 2 beside version 1', () => fleet.deploy('v2')],
  ['handover start: the new property beside the old one', () => start(context, name, { ramp: false })],
  ['handover switch: the new property is the record', () => switchOver(context, name)],
  ['handover reverse --share 50: second thoughts', () => reverse(context, name, { share: 50 })],
  ['handover switch', () => switchOver(context, name)],
  ['retire version 1', () => fleet.retire('v1')],
  // Nobody keeps both properties together where version 3 writes: nothing of version 1 may be left to be taken over then.
  ['handover switch: what version 1 wrote last is taken over', () => switchOver(context, name)],
  ['deploy version 3 beside version 2', () => fleet.deploy('v3')],
  ['handover complete: the old property goes', () => complete(context, name)],
  ['retire version 2', () => fleet.retire('v2')],
];

await fleet.deploy('v1');
await fleet.deploy('v1');
// A part that fails ends the demo.
const parts = Promise.all([
  new Worker({ store, migrations: [migration], clock: systemClock }).run(working.signal),
  clients.live(living.signal, hands),
]);
parts.catch(() => undefined);
const all = <R>(work: Promise<R>): Promise<R> => Promise.race([work, parts.then(() => work)]);

for (const [title, step] of STEPS) {
  const [from, before] = [performance.now(), requests()];
  await all(step());
  await all(rest());
  // Long enough for instances side by side to meet what the others write.
  await all(sleep(300));
  const seconds = ((performance.now() - from) / 1000).toFixed(1);
  say(`${title}: ${seconds} s, ${requests() - before} requests to ${fleet.versions.join(' and ')}`);
}
living.abort();
working.abort();
await parts;
const proof = await prove();
await fleet.retire('v3');
await store.close();
show();
if (values.json) process.stdout.write(`${JSON.stringify(proof)}\n`);
process.exit(proof.holds ? 0 : 1);

function requests(): number {
  const { v1, v2, v3 } = clients.answered;
  return v1 + v2 + v3;
}

/** Until every record is where it is wanted. */
async function rest(): Promise<void> {
  for (;;) {
    const campaign = await commands.theCampaign(context, name).catch(() => undefined);
    if (campaign?.run === 'paused') throw new Error(`The campaign paused by itself: ${campaign.pausedBecause}.`);
    if (!campaign || campaign.settledAt !== undefined || campaign.closed) return;
    await sleep(50);
  }
}

/** The engine is not asked: every tenant is read, and its secret opened with the new key alone. */
async function prove() {
  let [sealed, left] = [0, 0];
  for (let i = 0; i < ids.length; i += 100) {
    const found = await store.read(ids.slice(i, i + 100).map(tenantKey));
    for (const [n, entity] of found.entries()) {
      const id = ids[i + n]!;
      const tenant = toPlain(entity!.content.properties);
      if ('secret' in tenant || tenant['name'] !== `tenant ${id}`) left++;
      else if (unseal(tenant['sealed'] as Uint8Array, tenantKey(id).toString()) === clients.secrets.get(id)) sealed++;
    }
  }
  const { clean } = await verify(store, migration, await commands.theCampaign(context, name), context);
  const { answered, changed, wrong } = clients;
  const holds =
    sealed === count && left === 0 && wrong.length === 0 && clean && Object.values(answered).every((n) => n > 0);
  return { tenants: count, sealed, left, answered, changed, wrong: wrong.length, clean, holds };
}

function show(): void {
  const { tenants, sealed, left, changed, wrong, clean, answered } = proof;
  say('');
  say(
    `  requests answered               ${answered.v1} by version 1, ${answered.v2} by version 2, ${answered.v3} by version 3`,
  );
  say(`  secrets chosen anew meanwhile   ${changed}`);
  say(`  refused, or wrongly accepted    ${wrong}`);
  for (const line of clients.wrong.slice(0, 5)) say(`    ${line}`);
  say(`  opened with the new key alone   ${sealed} of ${tenants}, each as its tenant chose it last`);
  say(`  records with an old property    ${left}`);
  say(`  handover verify                 ${clean ? 'clean' : 'NOT CLEAN'}`);
  say(proof.holds ? '  It holds.' : '  IT DOES NOT HOLD.');
}
