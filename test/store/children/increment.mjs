// increment.mjs <path> <times>: increments each of the counters that often by compare-and-set, one commit for all.
import { key, lmdbStore, numbered, numberOf } from './load.mjs';

const [path, times] = process.argv.slice(2);
const store = lmdbStore({ path });
const keys = [1, 2, 3].map((id) => key('Counter', id));
const left = keys.map(() => Number(times));
let conflicts = 0;
process.stdout.write('ready\n');
await new Promise((resolve) => process.stdin.once('data', resolve));
process.stdin.destroy();
while (left.some((n) => n > 0)) {
  const entities = (await store.read(keys)).filter((_, i) => left[i] > 0);
  const outcomes = await store.commit(
    entities.map((entity) => {
      const content = numbered(numberOf(entity) + 1);
      return { op: 'update', key: entity.key, version: entity.version, content };
    }),
  );
  for (const [i, { status }] of outcomes.entries()) {
    if (status === 'applied') left[Number(entities[i].key.id) - 1]--;
    else conflicts++;
  }
}
await store.close();
process.stdout.write(`conflicts ${conflicts}\n`);
