import { matches } from '../define/entity.ts';
import type { Migration } from '../define/migration.ts';
import { type Referring, refers } from '../define/reference.ts';
import { LIMITS } from '../limits.ts';
import type { Entity, Store } from '../store/store.ts';
import { readAll } from './looks.ts';
import type { Pieces } from './planSample.ts';
import { isOwner, keysOf, nameOf } from './referenceLook.ts';
import type { ReferencePlan } from './referencesReport.ts';
import { keysAt } from './referenceValues.ts';
import { pagesOf } from './subscribers.ts';

/** What refers to records, form by form: how much of it there is, and how much leads nowhere. `stop` throws to end it. */
export async function planReferences(
  store: Store,
  migration: Migration,
  pieces: readonly Pieces[],
  stop: () => void,
): Promise<ReferencePlan[]> {
  const plans: ReferencePlan[] = [];
  for (const [i, referring] of migration.references.entries()) {
    const { ranges, of } = pieces[i]!;
    const found: ReferencePlan = {
      kind: referring.of.join('/'),
      properties: [...new Set(referring.properties.map(({ path }) => path.join('.')))],
      ...{ entities: 0, reads: 0, writes: 0, dangling: 0, samples: [] },
    };
    for (const range of ranges) {
      for await (const page of pagesOf(store, range, () => LIMITS.pageSize)) {
        stop();
        await planPage(page, referring, found, { store, migration });
      }
    }
    const whole = (n: number) => Math.round((n * of) / ranges.length);
    const { entities, reads, writes, dangling } = found;
    plans.push({
      ...found,
      entities: whole(entities),
      reads: whole(reads),
      writes: whole(writes),
      dangling: whole(dangling),
    });
  }
  return plans;
}

async function planPage(
  page: readonly Entity[],
  referring: Referring,
  found: ReferencePlan,
  { store, migration }: { readonly store: Store; readonly migration: Migration },
): Promise<void> {
  const { namespace } = migration;
  const those = page.filter((entity) => refers(referring, entity.key) && isOwner(entity));
  const keys = [
    ...keysOf(
      those.map(({ content }) => content),
      referring,
      namespace,
    ),
  ];
  const there = await readAll(
    store,
    keys.map(([, { key }]) => key),
  );
  const stands = new Map(keys.map(([name], i) => [name, there[i] !== undefined]));
  found.entities += those.length;
  found.reads += page.length + 2 * keys.length;
  for (const { key: from, content } of those) {
    let moves = false;
    let dangles = false;
    for (const { path, to } of referring.properties) {
      for (const key of keysAt(content.properties, path)) {
        const stood = stands.get(nameOf(key, to));
        if (stood === false) {
          found.dangling++;
          dangles = true;
        } else if (stood && matches(to.from, key)) moves = true;
      }
    }
    if (moves) found.writes++;
    if (dangles && found.samples.length < LIMITS.samples) found.samples.push(from.toString());
  }
}
