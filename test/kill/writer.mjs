// A live application in a process of its own: raises the `visits` of random records through the router, several at once,
// and prints the record's number, what it wrote and when, after the write was acknowledged, never before.
// Usage: writer.mjs STORE RECORDS. SIGTERM: finishes what is in flight, prints `done`.
import { writeSync } from 'node:fs';
import { key, Router } from 'handover';
import { lmdbStore } from 'handover/store/lmdb';
import { rule } from './migrations/feeds.mjs';

const [path, records] = [process.argv[2], Number(process.argv[3])];
const store = lmdbStore({ path });
const router = new Router({ store, rule });
let over = false;
process.on('SIGTERM', () => {
  over = true;
});

async function client() {
  while (!over) {
    const n = 1 + Math.floor(Math.random() * records);
    const address = { from: key('Feed', n), into: key('User', `u${n % 7}`, 'Feed', n) };
    const written = await router.update(address, (feed) => ({ ...feed, visits: feed.visits + 1 }));
    if (!written) throw new Error(`record ${n} was gone`);
    writeSync(1, `${n} ${written.visits} ${Date.now()}\n`);
    // A lively application, not one that takes the whole machine.
    await new Promise((resume) => setTimeout(resume, 2));
  }
}
await Promise.all([client(), client(), client(), client()]);
await store.close();
writeSync(1, 'done\n');
