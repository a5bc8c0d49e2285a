import { parseArgs } from 'node:util';
import { lmdbStore } from 'handover/store/lmdb';
import { AckLog, readAckLog } from './lib/ackLog.ts';
import { appliedOf, folderOf, logOf, readManifest } from './lib/folder.ts';
import { Mailbox } from './lib/mailbox.ts';
import { wholeNumber } from './lib/options.ts';
import { setWeb, type Web } from './lib/push.ts';
import { Traffic } from './lib/traffic.ts';
import type { WriterMessage } from './lib/writerProcess.ts';

/**
 * The application, as a process of its own: goes on changing random records of the store until it is told to stop, by
 * SIGTERM, by Ctrl-C, or by the end of its parent. Then it finishes what is under way and reports.
 *
 *   npx jiti examples/feed-reader/writer.ts [--rate 100] [--in-flight 8]
 */
const { values } = parseArgs({ options: { rate: { type: 'string' }, 'in-flight': { type: 'string' } } });
const ratePerSecond = wholeNumber('rate', values.rate, 100);
const inFlight = wholeNumber('in-flight', values['in-flight'], 8);

const folder = folderOf();
const { records } = readManifest(folder);
const store = lmdbStore({ path: folder });
const before = readAckLog(logOf(folder)).last;
const log = new AckLog(logOf(folder));
const traffic = new Traffic({ store, log, records, before, ratePerSecond, inFlight });

const mailbox = await Mailbox.open(store, appliedOf(folder));

const stop = new AbortController();
process.on('SIGTERM', () => stop.abort());
// Ctrl-C reaches the whole family; a child leaves it to its parent to say what is to stop, and when.
process.on('SIGINT', () => process.connected || stop.abort());
// The parent is gone, however it went: nobody reads on.
process.on('disconnect', () => stop.abort());
process.on('message', (web: Web) => setWeb(web));

const tell = (message: WriterMessage) => process.connected && process.send?.(message);
const telling = setInterval(() => tell({ type: 'progress', acknowledged: traffic.acknowledged }), 100);
tell({ type: 'ready', origin: mailbox.origin });
await traffic.run(stop.signal);
clearInterval(telling);
await mailbox.close();
log.close();
await store.close();

const report = traffic.report;
if (process.send) {
  tell({ type: 'report', report });
  if (process.connected) process.disconnect();
} else {
  const { acknowledged, reads, errors, wrongAnswers, samples, writing } = report;
  console.log(`${acknowledged} writes acknowledged, ${reads} reads, ${errors} errors, ${wrongAnswers} wrong answers`);
  console.log(`writes took ${writing.median.toFixed(1)} ms in the median, ${writing.max.toFixed(1)} ms at most`);
  for (const sample of samples) console.log(sample);
}
