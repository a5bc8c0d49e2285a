import { defineConfig } from 'handover';
import { lmdbStore } from 'handover/store/lmdb';
import { folderOf } from './lib/folder.ts';

/** So that every command works here too: `handover --config examples/feed-reader/handover.config.ts status`. */
export default defineConfig({
  store: () => lmdbStore({ path: folderOf() }),
  migrations: './migrations',
});
