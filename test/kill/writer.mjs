// A live application in a process of its own: raises the `visits` of random records through the router, several at once.
// Prints the record's number, what `visits` became and the write's name after the write was acknowledged, never before;
// `?` for what became of it where the store's answer was lost and nobody can tell.
// Usage: writer.mjs RECORDS SEED PAUSE_MS. SIGTERM: finishes what is in flight, prints `done`.
import { writeSync } from 'node:fs';
import { Router } from 'handover';
import config from './handover.config.mjs';
import { addressOf, placeOf, rules } from './migrations/feeds.mjs';

const [records, seed, pauseMs] = process.argv.slice(2).map(Number);
let over = false;
process.on('SIGTERM', () => {
  over = true;
});
const store = await config.store();
const routers = rules.map((rule) => new Router({ store, rule }));

/** xorshift32: which records are written depends on the seed alone. */
function chance(state) {
  let s = state | 1;
  return () => {
    s ^= s << 13;
    s ^= s >>> 17;
    s ^= s << 5;
    return (s >>> 0) / 2 ** 32;
  };
}

async function client(name) {
  const random = chance(seed * 31 + name * 7919);
  for (let i = 1; !over; i++) {
    const n = 1 + Math.floor(random() * records);
    const last = `${name}.${i}`;
    const visits = await write(n, last);
    writeSync(1, `${n} ${visits ?? '?'} ${last}\n`);
    // A lively application, not one that takes the whole machine.
    await new Promise((resume) => setTimeout(resume, pauseMs));
  }
}

async function write(n, last) {
  try {
    const written = await routers[placeOf(n)].update(addressOf(n), (feed) => ({
      ...feed,
      visits: feed.visits + 1,
      last,
    }));
    if (written) return written.visits;
  } catch (error) {
    if (error.code === 'store.unknown') return undefined;
    throw error;
  }
  throw new Error(`record ${n} was gone`);
}

await Promise.all([1, 2, 3, 4].map(client));
await store.close();
writeSync(1, 'done\n');
