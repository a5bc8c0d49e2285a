// start.mjs <path> <migration>: starts a campaign that moves `Feed` on the data set, once it is told to go.
import { createJiti } from 'jiti';

const jiti = createJiti(import.meta.url);
const source = (path) => jiti.import(new URL(`../../../src/${path}`, import.meta.url).pathname);
const { lmdbStore } = await source('store/lmdb.ts');
const { key } = await source('record/key.ts');
const { entity } = await source('define/entity.ts');
const { defineMigration } = await source('define/migration.ts');
const { start } = await source('admin/commands.ts');
const { systemClock: clock } = await source('clock.ts');

const [path, name] = process.argv.slice(2);
const records = [entity({ from: 'Feed', into: `${name}/Feed`, to: (_, old) => key(name, 'x', 'Feed', old.id) })];
const store = lmdbStore({ path });
const context = { store, migrations: [defineMigration({ name, version: 1, records })], clock, by: name };
process.stdout.write('ready\n');
await new Promise((resolve) => process.stdin.once('data', resolve));
process.stdin.destroy();
const said = await start(context, name).then(
  () => 'done',
  (error) => error.code ?? String(error),
);
await store.close();
process.stdout.write(`said ${said}\n`);
