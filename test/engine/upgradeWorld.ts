import { type EntityDefinition, entity } from '../../src/define/entity.ts';
import { defineMigration, type Migration, type MigrationDefinition } from '../../src/define/migration.ts';
import { Worker } from '../../src/engine/worker.ts';
import { key } from '../../src/record/key.ts';
import { Router } from '../../src/router/router.ts';
import { type MemoryStoreOptions, memoryStore } from '../../src/store/memory.ts';
import { CHANGING, changingRule, type Feed, type Named, type World, world } from './harness.ts';

/** What the first version shouts, the second one whispers; at another key, too. */
export const SOFT: EntityDefinition<Feed, Named> = {
  ...CHANGING,
  to: (feed, old) => key('User', `${feed.user}-too`, 'Feed', old.id),
  forward: ({ user, title, visits }) => ({ user, visits, name: `<${title}>` }),
  backward: ({ user, name, visits }) => ({ user, visits, title: name.slice(1, -1) }),
};
export const soft = entity(SOFT);

export const define = (version: number, rule = changingRule, more: Partial<MigrationDefinition> = {}) =>
  defineMigration({ name: 'feeds', version, records: [rule], ...more });
export const v1 = define(1);
export const v2 = define(2, soft);

/** A world in which all of these are deployed, the newest first; its routers go by the last of them. */
export function worldOf(migrations: readonly Migration[], options: MemoryStoreOptions = {}): World {
  const migration = migrations.at(-1)!;
  const w = world({ store: memoryStore(options), migration });
  const { store, clock } = w;
  const router = new Router<Named, Feed>({ store, rule: migration.records[0]!, clock }) as never;
  const worker = new Worker({ store, migrations, clock, id: 'w1' });
  return { ...w, context: { ...w.context, migrations }, worker, router };
}
