import { defineConfig } from 'handover';
import { folderOf } from './lib/folder.ts';
import { openStore } from './lib/store.ts';

/** So that every command works here too: `handover --config examples/feed-reader/handover.config.ts status`. */
export default defineConfig({
  store: () => openStore(folderOf()),
  migrations: './migrations',
});
