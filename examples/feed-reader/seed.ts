import { mkdirSync, rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { folderOf } from './lib/folder.ts';
import { wholeNumber } from './lib/options.ts';
import { PLACES } from './lib/places.ts';
import { seed } from './lib/seeding.ts';
import { openStore } from './lib/store.ts';

/**
 * Makes the example's store anew, to try the command line on.
 *
 *   npx jiti examples/feed-reader/seed.ts [--records N]
 */
const { values } = parseArgs({ options: { records: { type: 'string' } } });
const records = wholeNumber('records', values.records, PLACES);

const folder = folderOf();
for (const file of ['data.mdb', 'lock.mdb', 'manifest.json', 'acknowledged.log'])
  rmSync(`${folder}/${file}`, { force: true });
mkdirSync(folder, { recursive: true });
const store = await openStore(folder);
const { users, kinds } = await seed(store, folder, records);
await store.close();
const parts = Object.entries(kinds).map(([kind, count]) => `${count} ${kind.toLowerCase()}s`);
console.log(`Seeded ${records} records of ${users} users (${parts.join(', ')}) in ${folder}`);
