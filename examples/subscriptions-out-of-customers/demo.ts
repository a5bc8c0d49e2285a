import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { Content, commands, type Entity, fromPlain, systemClock, toPlain, verify, Worker } from 'handover';
import { customerKey, customerOf, itemOf, Shop } from './lib/shop.ts';
import { openStore } from './lib/store.ts';
import { Users } from './lib/users.ts';
import migration from './migrations/subscriptions.ts';

/**
 * Subscriptions that customers hold in an array become records of their own, while an application lists, changes and ends
 * them, and old code appends to the array. See README.md; `--customers N`, `--hands N` users at a time, and `--json`.
 */
const { values } = parseArgs({
  options: {
    customers: { type: 'string', default: '1000' },
    hands: { type: 'string', default: '4' },
    json: { type: 'boolean', default: false },
  },
});
const count = Number(values.customers);
const hands = Number(values.hands);
if (!Number.isSafeInteger(count) || count < 10 || !(hands >= 1 && hands <= 10)) {
  console.error('--customers is a whole number from 10 on, and --hands one from 1 to 10.');
  process.exit(2);
}
const say = (line: string) => (values.json ? process.stderr : process.stdout).write(`${line}\n`);

const folder = mkdtempSync(join(tmpdir(), 'handover-customers-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

const store = await openStore(folder);
const customers = Array.from({ length: count }, (_, i) => i + 1);
const known = new Map(
  customers.map((id) => [id, new Map(Array.from({ length: id % 4 }, (_, n) => [id * 1000 + n, 100 + n]))]),
);
for (let i = 0; i < count; i += 100) {
  await store.overwrite(
    customers.slice(i, i + 100).map((id) => {
      const items = [...known.get(id)!].map(([each, cents]) => itemOf(each, cents));
      const record = { ...customerOf(id), ...(items.length > 0 ? { subscriptions: items } : {}) };
      return { key: customerKey(id), content: Content.of(fromPlain(record)) };
    }),
  );
}

const context = { store, migrations: [migration], clock: systemClock, by: 'demo' };
const users = new Users(new Shop(store), known);
const [living, working] = [new AbortController(), new AbortController()];
const { name } = migration;
const { start, switchOver, cancel, complete } = commands;

const STEPS: readonly [string, () => Promise<unknown>][] = [
  ['handover start: a copy of each beside its customer', () => start(context, name, { ramp: false })],
  ['handover switch --share 10: one in ten is the record there', () => switchOver(context, name, { share: 10 })],
  ['handover cancel: all new data away, nothing lost', () => cancel(context, name, { reason: 'think again' })],
  ['handover start: begin anew', () => start(context, name, { ramp: false })],
  ['handover switch --share 10', () => switchOver(context, name, { share: 10 })],
  ['handover switch', () => switchOver(context, name)],
  ['retire the old code', retire],
  ['handover complete: the arrays go', () => complete(context, name)],
];

const parts = Promise.all([
  new Worker({ store, migrations: [migration], clock: systemClock }).run(working.signal),
  users.live(living.signal, hands),
]);
// A part that fails ends the demo.
parts.catch(() => undefined);
const all = <R>(work: Promise<R>): Promise<R> => Promise.race([work, parts.then(() => work)]);

let leftByCancel = 0;
for (const [title, step] of STEPS) {
  const [from, before] = [performance.now(), users.counts.listed];
  await all(step());
  await all(rest());
  if (title.includes('cancel')) leftByCancel = (await allOf('Subscription')).length;
  await all(sleep(300));
  say(`${title}: ${((performance.now() - from) / 1000).toFixed(1)} s, ${users.counts.listed - before} lists`);
}
living.abort();
working.abort();
await parts;
const proof = await prove();
await store.close();
show();
if (values.json) process.stdout.write(`${JSON.stringify(proof)}\n`);
process.exit(proof.holds ? 0 : 1);

/** What it appended last is a record of its own by the time it is done with. */
async function retire(): Promise<void> {
  users.oldCode = false;
  await sleep(100);
  await switchOver(context, name);
}

/** Until every record is where it is wanted. */
async function rest(): Promise<void> {
  for (;;) {
    const campaign = await commands.theCampaign(context, name);
    if (campaign.run === 'paused') throw new Error(`The campaign paused by itself: ${campaign.pausedBecause}.`);
    if (campaign.settledAt !== undefined || campaign.closed) return;
    await sleep(50);
  }
}

async function allOf(kind: string): Promise<Entity[]> {
  const found: Entity[] = [];
  for (let after: Entity | undefined; ; ) {
    const range = { namespace: '', kind, rootKind: 'Customer', ...(after ? { after: after.key } : {}) };
    const page = await store.scan(range, 300);
    found.push(...page.entities);
    after = page.entities.at(-1);
    if (!page.more || !after) return found;
  }
}

/** The engine is not asked: every entity is read, and compared with what the users know. */
async function prove() {
  const moved = await allOf('Subscription');
  const seen = new Map<string, unknown>(moved.map(({ key, content }) => [`${key}`, toPlain(content.properties)]));
  const wanted = [...known].flatMap(([customer, each]) => [...each].map(([id, cents]) => ({ customer, id, cents })));
  let right = 0;
  for (const { customer, id, cents } of wanted) {
    const { plan, since } = itemOf(id, cents);
    if (isDeepStrictEqual(seen.get(`Customer:${customer}/Subscription:${id}`), { plan, cents, since })) right++;
  }
  const boxes = await allOf('Customer');
  const untouched = boxes.filter(({ key, content, slot }) => {
    return slot === undefined && isDeepStrictEqual(toPlain(content.properties), customerOf(Number(key.id)));
  });
  const { clean } = await verify(store, migration, await commands.theCampaign(context, name), context);
  const numbers = { subscriptions: wanted.length, right, moved: moved.length, untouched: untouched.length };
  const whole = right === wanted.length && moved.length === right && untouched.length === count;
  const holds = whole && leftByCancel === 0 && users.wrong.length === 0 && clean;
  return { ...numbers, customers: count, leftByCancel, ...users.counts, wrong: users.wrong.length, clean, holds };
}

function show(): void {
  say('');
  say(`  lists of a customer             ${proof.listed}, ${proof.wrong} of them wrong`);
  for (const line of users.wrong.slice(0, 5)) say(`    ${line}`);
  say(`  changed, ended, appended        ${proof.changed}, ${proof.ended}, ${proof.appended} by old code`);
  say(`  left by cancel                  ${proof.leftByCancel}`);
  say(
    `  records of their own            ${proof.right} of ${proof.subscriptions}, and ${proof.moved - proof.right} others`,
  );
  say(`  customers as they were          ${proof.untouched} of ${count}, without an array`);
  say(`  handover verify                 ${proof.clean ? 'clean' : 'NOT CLEAN'}`);
  say(proof.holds ? '  It holds.' : '  IT DOES NOT HOLD.');
}
