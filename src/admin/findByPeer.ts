import type { Side } from '../../machines/moves.ts';
import { type EntityRule, matches } from '../define/entity.ts';
import { other, pairOf } from '../engine/pair.ts';
import { homeRange } from '../engine/sweep.ts';
import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { EMPTY } from '../record/content.ts';
import type { Key } from '../record/key.ts';
import type { Entity, KeyRange } from '../store/store.ts';
import { classify, type Found, type Look } from './classify.ts';

/**
 * The record whose other side belongs to a key that holds nothing: a new key before the copy, or an old one after it was
 * dropped. Guessed where `to` looks at the key alone; else the other home is read, page by page.
 */
export async function findByPeer(key: Key, look: Look): Promise<Found | undefined> {
  for (const [index, rule] of look.migration.records.entries()) {
    for (const missing of ['S', 'T'] as const) {
      if (!matches(missing === 'S' ? rule.from : rule.into, key)) continue;
      const found = (await guess(key, missing, rule, look)) ?? (await search(key, missing, index, look));
      if (found) return found;
    }
  }
  return undefined;
}

async function guess(key: Key, missing: Side, rule: EntityRule, look: Look): Promise<Found | undefined> {
  if (missing === 'T') return undefined;
  try {
    const [entity] = await look.store.read([rule.targetOf(key, EMPTY)]);
    if (!entity || !isPeer(entity, key, 'T', rule, look)) return undefined;
    return (await classify([entity], rule, 'T', look))[0];
  } catch (error) {
    if (error instanceof HandoverError) return undefined;
    throw error;
  }
}

async function search(key: Key, missing: Side, index: number, look: Look): Promise<Found | undefined> {
  const { store, migration } = look;
  const rule = migration.records[index]!;
  const home = other(missing);
  let range: KeyRange = homeRange(migration, index, home);
  for (let more = true; more; ) {
    const page = await store.scan(range, LIMITS.pageSize);
    const entity = page.entities.find((each) => isPeer(each, key, home, rule, look));
    if (entity) return (await classify([entity], rule, home, look))[0];
    more = page.more;
    const last = page.entities[page.entities.length - 1];
    if (last) range = { ...range, after: last.key };
  }
  return undefined;
}

/** Whether an entity of `home` says that its other side belongs to `key`. */
function isPeer(entity: Entity, key: Key, home: Side, rule: EntityRule, { campaign }: Look): boolean {
  try {
    const pair = pairOf(rule, campaign.id, entity);
    return pair?.scanned === home && pair.keys[other(home)].equals(key);
  } catch (error) {
    if (error instanceof HandoverError) return false;
    throw error;
  }
}
