import { systemClock, Worker } from 'handover';
import { Inbox, takeInto } from 'handover/webhooks';
import { folderOf } from './lib/folder.ts';
import { setWeb, type Web } from './lib/push.ts';
import { stopping } from './lib/stopping.ts';
import { openStore } from './lib/store.ts';
import type { WorkerMessage } from './lib/workerProcess.ts';
import migration from './migrations/feeds-under-users.ts';

/**
 * One of the engine's workers, as a process of its own: what `handover work` is, but that it tells its parent of its
 * moves. Start as many as you like; kill them as you like.
 */
const store = await openStore(folderOf());
const stop = stopping();
process.on('message', (web: Web) => setWeb(web));

const tell = (message: WorkerMessage) => process.connected && process.send?.(message);
const events = {
  moved: (_campaign: string, move: string, records: number) => tell({ type: 'moved', move, records }),
  paged: (_campaign: string, records: number) => tell({ type: 'paged', records }),
};
await new Worker({
  store,
  migrations: [migration],
  clock: systemClock,
  events,
  takeIn: takeInto(new Inbox({ store })),
}).run(stop);
await store.close();
if (process.connected) process.disconnect();
