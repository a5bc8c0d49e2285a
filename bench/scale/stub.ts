import { LIMITS } from '../../src/limits.ts';
import { lmdbStore } from '../../src/store/lmdb.ts';
import { seed } from '../shared/feeds.ts';
import { serverOf } from './server.ts';

/**
 * A store in a process of its own that takes its time: `stub.js SOCKET FOLDER ATOMIC LATENCY_MS RECORDS`. It is the LMDB
 * store, so that it keeps the port's contract. Prints `ready` when it can be called.
 */
const [socketPath, path, atomic, latencyMs, records] = process.argv.slice(2) as [
  string,
  string,
  'group' | 'any',
  string,
  string,
];
const store = lmdbStore({ path, atomic });
await seed(store, Number(records), (n) => n % 1000);
const server = serverOf(store, {
  latencyMs: Number(latencyMs),
  // As if there were many more: so fewer records tell how many workers share the ranges of a large home.
  split: (range, n, finer) => store.split(range, n, finer && { ...finer, entities: LIMITS.pageSize }),
});
server.listen(socketPath, () => console.log('ready'));
