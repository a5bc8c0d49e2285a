import { type EntityRule, matches } from '../define/entity.ts';
import type { FieldRule } from '../define/field.ts';
import type { Migration } from '../define/migration.ts';
import { viewOf } from '../define/parts.ts';
import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Entity, Store } from '../store/store.ts';
import { fieldStateOf, holdField } from './field.ts';
import type { Item } from './item.ts';
import { lookAtPeers } from './looks.ts';
import { mirror } from './moves.ts';
import { type Pair, pairOf, roleOf } from './pair.ts';
import { pagesOf } from './subscribers.ts';
import { firstField, homeRange } from './sweep.ts';

/** Records at T that could not go home: no backward transform, and no longer what the old home's content became. */
export async function countModified(
  given: Store,
  migration: Migration,
  campaign: string,
): Promise<{ count: number; samples: readonly string[] }> {
  const store = viewOf(given, migration);
  let count = 0;
  const samples: string[] = [];
  for (const [index, rule] of migration.records.entries()) {
    if (rule.reversible) continue;
    let range = homeRange(migration, index, 'T');
    for (let more = true; more; ) {
      const page = await store.scan(range, LIMITS.pageSize);
      const pairs = page.entities.flatMap((entity) => ownerAtNewHome(entity, rule, campaign));
      await lookAtPeers(pairs, 'T', store);
      for (const { pair, result } of pairs) {
        if (result || canReturn(pair)) continue;
        count++;
        if (samples.length < LIMITS.samples) samples.push(pair.keys.T.toString());
      }
      more = page.more;
      const last = page.entities[page.entities.length - 1];
      if (last) range = { ...range, after: last.key };
    }
  }
  for (const [i, rule] of migration.fields.entries()) {
    if (rule.reversible) continue;
    for await (const page of pagesOf(
      store,
      homeRange(migration, firstField(migration) + i, 'S'),
      () => LIMITS.pageSize,
    )) {
      for (const entity of page) {
        if (!matches(rule.of, entity.key) || canReturnInPlace(rule, entity)) continue;
        count++;
        if (samples.length < LIMITS.samples) samples.push(entity.key.toString());
      }
    }
  }
  return { count, samples };
}

/** What does not decode is not modified, as far as anybody can tell: the sweep will quarantine it where it is. */
function ownerAtNewHome(entity: Entity, rule: EntityRule, campaign: string): Item[] {
  try {
    const pair = pairOf(rule, campaign, entity);
    if (pair?.scanned !== 'T' || roleOf(pair.T) !== 'O') return [];
    return [{ pair, target: 'home', moves: 0 }];
  } catch (error) {
    if (error instanceof HandoverError) return [];
    throw error;
  }
}

function canReturnInPlace(rule: FieldRule, entity: Entity): boolean {
  try {
    const state = fieldStateOf(holdField(rule, entity));
    return state !== 'switchedStale' && state !== 'completed';
  } catch (error) {
    if (error instanceof HandoverError) return true;
    throw error;
  }
}

function canReturn(pair: Pair): boolean {
  try {
    mirror(pair, 'S');
    return true;
  } catch (error) {
    if (error instanceof HandoverError) return false;
    throw error;
  }
}
