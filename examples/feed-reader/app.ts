import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { AckLog } from './lib/ackLog.ts';
import type { AppMessage } from './lib/appProcess.ts';
import { appliedOf, folderOf, logOf, readManifest } from './lib/folder.ts';
import { Mailbox } from './lib/mailbox.ts';
import { wholeNumber } from './lib/options.ts';
import { setWeb, type Web } from './lib/push.ts';
import { numberOf } from './lib/records.ts';
import { Shelves } from './lib/shelves.ts';
import { Site } from './lib/site.ts';
import { stopping } from './lib/stopping.ts';
import { openStore } from './lib/store.ts';

/**
 * The application server, as a process of its own: the users' pages, and the callback URLs of the feeds that are pushed.
 *
 *   npx jiti app.ts [--port 8080]
 */
const { values } = parseArgs({ options: { port: { type: 'string' } } });
const port = wholeNumber('port', values.port, 0);
const stop = stopping();
process.on('message', (web: Web) => setWeb(web));

const folder = folderOf();
const store = await openStore(folder);
const { records } = readManifest(folder);
// So that the proof knows what a person does who has a page open.
const log = new AckLog(logOf(folder));
const { server } = new Site(store, new Shelves(records), ({ kind, id, ...write }) => {
  log.append(numberOf(kind, kind === 'Article' ? id : BigInt(id), records)!, write);
});
const mailbox = new Mailbox(server, store, appliedOf(folder));
const origin = await server.listen({ host: '127.0.0.1', port });
if (process.send) process.send({ type: 'ready', origin } satisfies AppMessage);
else console.log(`The application: ${origin}/`);

if (!stop.aborted) await once(stop, 'abort');
await server.close();
await mailbox.close();
await store.close();
log.close();
if (process.connected) process.disconnect();
