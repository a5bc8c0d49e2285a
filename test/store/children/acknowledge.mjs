// acknowledge.mjs <path> <first>: inserts without end, and says of each number that its write was acknowledged.
import { writeSync } from 'node:fs';
import { key, lmdbStore, numbered } from './load.mjs';

const [path, first] = process.argv.slice(2);
const store = lmdbStore({ path });
for (let n = Number(first); ; n += 50) {
  const numbers = Array.from({ length: 50 }, (_, i) => n + i);
  const half = (from, to) =>
    store.commit(
      numbers.slice(from, to).map((each) => ({ op: 'insert', key: key('Feed', each), content: numbered(each) })),
    );
  const outcomes = (await Promise.all([half(0, 25), half(25, 50)])).flat();
  if (outcomes.some(({ status }) => status !== 'applied')) throw new Error(`${n} was refused`);
  // In this process's order: a line that the parent has read was written after the acknowledgement.
  writeSync(1, `${n + 49}\n`);
}
