import { systemClock } from '../../src/clock.ts';
import { entity } from '../../src/define/entity.ts';
import { defineMigration } from '../../src/define/migration.ts';
import { Worker } from '../../src/engine/worker.ts';
import { memoryStore } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/store.ts';
import { CHANGING, content, type Feed, newKey, oldKey, seed } from '../engine/harness.ts';
import { type Options, type Served, served } from '../server/harness.ts';

const RECORDS = 1_500;
/** Its new key is taken by something else. */
const OCCUPIED = 7;

const feeds = defineMigration({ name: 'feeds', version: 1, records: [entity<Feed, object>(CHANGING as never)] });

export interface SiteOptions extends Pick<Options, 'config'> {
  readonly count?: number;
  /** Records that cannot be moved. */
  readonly taken?: readonly number[];
  /** Stands between the server and its store. */
  readonly between?: (store: Store) => Store;
}

/** A server with the page, a worker, and records one of which cannot be moved. */
export async function site(options: SiteOptions = {}): Promise<Served> {
  const { count = RECORDS, taken = [OCCUPIED], between = (store) => store, ...more } = options;
  const store: Store = memoryStore({ capabilities: { atomic: 'group' } });
  await seed(store, count);
  const other = content({ user: 'u0', name: 'SOMEBODY ELSE', visits: 3 });
  await store.overwrite(taken.map((n) => ({ key: newKey(n), content: other })));
  const worker = new Worker({ store, migrations: [feeds], clock: systemClock, id: 'w1' });
  const server = await served({
    ...more,
    store: between(store),
    migrations: [feeds],
    page: true,
    worker: (signal) => worker.run(signal),
  });
  return server;
}

export const occupied = { old: oldKey(OCCUPIED).toString(), new: newKey(OCCUPIED).toString() };
