// hook.mjs <path> <skipped ms> <hang>: a worker whose hook says its key on stdout, and then ends, or hangs for ever. Time is
// moved on for the whole process: it lives that much later.
import { createJiti } from 'jiti';

const jiti = createJiti(import.meta.url);
const source = (path) => jiti.import(new URL(`../../../src/${path}`, import.meta.url).pathname);
const { lmdbStore } = await source('store/lmdb.ts');
const { key } = await source('record/key.ts');
const { entity } = await source('define/entity.ts');
const { defineMigration } = await source('define/migration.ts');
const { start } = await source('admin/commands.ts');
const { Worker } = await source('engine/worker.ts');
const { systemClock } = await source('clock.ts');

const [path, skippedMs, does] = process.argv.slice(2);
const clock = { ...systemClock, now: () => systemClock.now() + Number(skippedMs) };
const migration = defineMigration({
  name: 'feeds',
  version: 1,
  records: [entity({ from: 'Feed', into: 'User/Feed', to: (feed, old) => key('User', feed.user, 'Feed', old.id) })],
  hooks: {
    beforeSwitch: async ({ idempotencyKey, attempt }) => {
      process.stdout.write(`${idempotencyKey} ${attempt}\n`);
      if (does === 'hang') await new Promise((resolve) => setTimeout(resolve, 1e9));
    },
  },
});
const store = lmdbStore({ path });
const context = { store, migrations: [migration], clock, by: 'test' };
if (does === 'hang') await start(context, 'feeds', { to: 'switched' });
const ended = new AbortController();
process.stdin.once('data', () => ended.abort());
await new Worker({ ...context, id: does }).run(ended.signal);
await store.close();
process.exit(0);
