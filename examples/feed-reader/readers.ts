import { parseArgs } from 'node:util';
import { AckLog, readAckLog } from './lib/ackLog.ts';
import { folderOf, logOf, readManifest } from './lib/folder.ts';
import { wholeNumber } from './lib/options.ts';
import { Readers } from './lib/readers.ts';
import type { ReadersMessage } from './lib/readersProcess.ts';
import { stopping } from './lib/stopping.ts';

/**
 * The users, as a process of their own: they ask the application for pages and write to it, and check what they get.
 *
 *   npx jiti readers.ts --app http://127.0.0.1:8080 [--rate 100] [--in-flight 8]
 */
const options = { app: { type: 'string' }, rate: { type: 'string' }, 'in-flight': { type: 'string' } } as const;
const { values } = parseArgs({ options });
const { app } = values;
if (app === undefined || !URL.canParse(app)) {
  console.error('--app is the URL of the application.');
  process.exit(2);
}
const ratePerSecond = wholeNumber('rate', values.rate, 100);
const inFlight = wholeNumber('in-flight', values['in-flight'], 8);
const stop = stopping();

const folder = folderOf();
const { records } = readManifest(folder);
const before = readAckLog(logOf(folder)).last;
const log = new AckLog(logOf(folder));
const readers = new Readers({ app, log, records, before, ratePerSecond, inFlight });

const tell = (message: ReadersMessage) => process.connected && process.send?.(message);
const telling = setInterval(() => tell({ type: 'progress', requests: readers.requests }), 100);
await readers.run(stop);
clearInterval(telling);
log.close();

const { report } = readers;
if (process.send) {
  tell({ type: 'report', report });
  if (process.connected) process.disconnect();
} else {
  const { failures, samples, pages, writes } = report;
  console.log(`${pages.count} pages and ${writes.count} writes, ${failures} failures`);
  console.log(`pages took ${pages.median.toFixed(1)} ms in the median, ${pages.max.toFixed(1)} ms at most`);
  for (const sample of samples) console.log(sample);
}
