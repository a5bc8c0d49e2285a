import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Store } from 'handover';
import { websub } from 'handover/webhooks';
import { AckLog, readAckLog } from './lib/ackLog.ts';
import { AppProcess } from './lib/appProcess.ts';
import { appliedOf, logOf, type Manifest } from './lib/folder.ts';
import { readApplied } from './lib/mailbox.ts';
import { News } from './lib/news.ts';
import { Operator } from './lib/operator.ts';
import { wholeNumber } from './lib/options.ts';
import { pathOf } from './lib/pages.ts';
import { DATASET, PLACES } from './lib/places.ts';
import { type Proof, prove } from './lib/proof.ts';
import { setWeb } from './lib/push.ts';
import { ReadersProcess } from './lib/readersProcess.ts';
import { pushAt } from './lib/records.ts';
import {
  showEquation,
  showProof,
  showReaders,
  showTogether,
  showUpdates,
  showVerdict,
  summarise,
} from './lib/report.ts';
import { number, Screen } from './lib/screen.ts';
import { seed } from './lib/seeding.ts';
import { ServerProcess } from './lib/serverProcess.ts';
import { Shelves } from './lib/shelves.ts';
import { STEPS } from './lib/steps.ts';
import { openStore } from './lib/store.ts';
import { changeTogether, type Together } from './lib/together.ts';
import { compare, totalOf, untilApplied } from './lib/updates.ts';
import { WorkerProcess } from './lib/workerProcess.ts';
import migration from './migrations/feeds-under-users.ts';

/**
 * A feed reader's records move below their users while it is being used: there, half the way back, there again, for
 * good. Then every entity is read and held against what must be there. See README.md, and `--help`.
 */
/** By group, each further user costs a commit in every sweep: see README.md for how long it takes. */
const RECORDS = 25_000;
/** With the page: so slow that a person can follow, some minutes for the records above. */
const WATCHED_PER_SECOND = 2000;
/** Requests of the application's users. */
const RATE_PER_SECOND = 100;
const HELP = `Usage: demo [--records N] [--serve] [--port N] [--rate N] [--ceiling N] [--json] [--keep]

  --records N  how many records to seed and to move; by default ${number(RECORDS)} of the data set's ${number(PLACES)}
  --serve      with the operator's web page on the store, to watch: in no hurry, and until Ctrl-C
  --port N     with --serve, where the page is; by default a port that is free
  --rate N     requests a second of the application's users; ${RATE_PER_SECOND} by default
  --ceiling N  operations a second at most; with --serve ${number(WATCHED_PER_SECOND)} by default, else as many as it can
  --json       one JSON object as the last line of standard output; all else goes to standard error
  --keep       leave the store where it is, to look at with the command line
`;
const IN_FLIGHT = 8;
/** A delivery that failed is sent again within this time. */
const SENT_AGAIN_MS = 20_000;

const { values } = parseArgs({
  options: {
    records: { type: 'string' },
    serve: { type: 'boolean', default: false },
    port: { type: 'string' },
    rate: { type: 'string' },
    ceiling: { type: 'string' },
    json: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const records = wholeNumber('records', values.records, RECORDS);
const ceiling = wholeNumber('ceiling', values.ceiling, values.serve ? WATCHED_PER_SECOND : 0) || undefined;
const rate = wholeNumber('rate', values.rate, RATE_PER_SECOND);
const port = wholeNumber('port', values.port, 0);
const screen = new Screen(values.json ? process.stderr : process.stdout);

// What has to be undone, however this ends.
const folder = mkdtempSync(join(tmpdir(), 'handover-demo-'));
const children: { kill(): void }[] = [];
process.on('exit', () => {
  for (const child of children) child.kill();
  if (!values.keep) rmSync(folder, { recursive: true, force: true });
});
const quit = new AbortController();
/** A part of it did, and nobody told it to. */
let endedByItself = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => quit.abort(new Error(`Stopped by ${signal}.`)));
}

try {
  process.exitCode = (await main()) ? 0 : 1;
} catch (error) {
  screen.close();
  const cause = quit.signal.aborted ? (quit.signal.reason as unknown) : error;
  console.error(`\n  ${cause instanceof Error ? cause.message : cause}`);
  process.exitCode = 1;
}
// A part that was left half way, as after Ctrl-C, must not keep the process.
process.exit();

async function main(): Promise<boolean> {
  const store = await openStore(folder);
  const page = values.serve ? await served() : undefined;
  const manifest = await seeded(store);
  const app = watched(new AppProcess(folder));
  const worker = watched(new WorkerProcess(folder));
  const pushes = Array.from({ length: records }, (_, n) => pushAt(n)).filter((push) => push !== undefined);
  const news = await News.start(pushes);
  const web = { news: news.origin, app: await app.ready };
  setWeb(web);
  for (const { child } of [app, worker]) child.tell(web);
  await news.begin(web, websub({ allow: ['127.0.0.1'], plainHttp: true }));
  const readers = watched(new ReadersProcess(folder, web.app, rate, IN_FLIGHT));
  // Not before they are at it: they are there during the whole campaign. Should they end before, it is known by `quit`.
  await Promise.race([readers.begun, readers.child.ended]);
  const operator = new Operator({ store, migration, records, screen, signal: quit.signal, worker, readers, ceiling });
  const tick = screen.style('green', '✓');
  screen.line(
    `  ${tick} the application runs (process ${app.child.pid}): ${web.app}${pathOf(new Shelves(records).busiest)}`,
  );
  screen.line(`  ${tick} its users ask for pages, and write: ${rate} requests a second`);
  screen.line(`  ${tick} ${number(pushes.length)} feeds are pushed to it, by a hub that publishes all the while`);
  screen.line();
  let movingSeconds = 0;
  for (const step of STEPS) movingSeconds += await operator.take(step);
  const verified = await operator.verify();
  const published = await news.stop();
  await untilApplied(() => readApplied(appliedOf(folder)).length, totalOf(published), SENT_AGAIN_MS);
  const read = await readers.stop();
  await app.child.stop();
  await worker.child.stop();

  const together = await changedTogether(store);
  const proof = await proven(store, manifest);
  await store.close();
  const updates = compare(web, published, news.postsTo, readApplied(appliedOf(folder)), pushes);
  await news.close();
  const summary = summarise(proof, verified, updates, read, together, movingSeconds);
  const good =
    proof.holds &&
    updates.holds &&
    together.holds &&
    verified.clean &&
    verified.completed === proof.arrived &&
    read.failures === 0;
  showEquation(screen, summary);
  showUpdates(screen, updates);
  showTogether(screen, together);
  showReaders(screen, read);
  showVerdict(screen, good, summary, movingSeconds);
  if (values.keep) screen.line(`  The store is kept; to look at it: export HANDOVER_DEMO_STORE=${folder}`);
  screen.line();
  if (values.json) process.stdout.write(`${JSON.stringify(summary)}\n`);
  await page?.close();
  return good;
}

/** The page is there before the first record, and after the last one until it is told to go. */
async function served(): Promise<{ close(): Promise<void> }> {
  const server = new ServerProcess(folder, port, join(folder, 'server.log'));
  const { child } = server;
  children.push(child);
  const url = await server.url;
  watched(server);
  screen.line();
  screen.line(`The page: ${screen.style('bold', url)}/`);
  screen.line(
    screen.style('dim', '  No token is asked for: it is on loopback, and whoever uses this machine is admin.'),
  );
  const interrupted = new Promise<void>((done) => quit.signal.addEventListener('abort', () => done()));
  return {
    async close() {
      screen.line(`  The page stays, to look at what was done: ${url}/`);
      screen.line(screen.style('dim', '  Ctrl-C ends it.'));
      await interrupted;
      // Its own end is none.
      if (endedByItself) throw quit.signal.reason;
      await child.stop();
    },
  };
}

/** When it ends by itself, so does the demo. */
function watched<P extends AppProcess | ReadersProcess | WorkerProcess | ServerProcess>(part: P): P {
  children.push(part.child);
  part.child.ended.catch((error) => {
    endedByItself = true;
    quit.abort(error);
  });
  return part;
}

async function seeded(store: Store): Promise<Manifest> {
  screen.line();
  screen.line(screen.style('bold', `A feed reader of ${number(records)} records, made of ${DATASET}`));
  const bar = screen.bar(records, 'records');
  const manifest = await seed(store, folder, records, (done) => bar.update(done), quit.signal);
  const kinds = Object.entries(manifest.kinds).map(([kind, count]) => `${number(count)} ${kind.toLowerCase()}s`);
  bar.finish(`  ${screen.style('green', '✓')} ${kinds.join(', ')} of ${number(manifest.users)} users`);
  return manifest;
}

async function changedTogether(store: Store): Promise<Together> {
  const log = new AckLog(logOf(folder));
  try {
    return await changeTogether(store, migration, records, readAckLog(logOf(folder)).last, log);
  } finally {
    log.close();
  }
}

async function proven(store: Store, manifest: Manifest): Promise<Proof> {
  screen.line();
  screen.line(screen.style('bold', 'The proof'));
  screen.line(screen.style('dim', '  Every entity is read again. The engine is not asked.'));
  const bar = screen.bar(records, 'entities');
  const proof = await prove(store, manifest, readAckLog(logOf(folder)), (seen) => bar.update(seen), quit.signal);
  bar.stop();
  showProof(screen, proof);
  return proof;
}
