import type { Target } from '../../machines/moves.ts';
import type { EntityRule } from '../define/entity.ts';
import { matches } from '../define/entity.ts';
import type { Migration } from '../define/migration.ts';
import type { Referring } from '../define/reference.ts';
import { HandoverError } from '../errors.ts';
import { sideOf, truth } from '../record/authority.ts';
import type { Key } from '../record/key.ts';
import type { Properties } from '../record/value.ts';
import type { Entity, Store } from '../store/store.ts';
import { batches } from './looks.ts';
import { hold, locate, mismatch, type Pair } from './pair.ts';
import { keysAt } from './referenceValues.ts';
import type { CampaignDocument } from './schemas.ts';
import { targetAt } from './targets.ts';

/**
 * What is to stand for a key of a record that moves.
 * - `right`: it is what it should be, or is not this campaign's to say
 * - `dangling`: nothing stands there, and so nothing leads from it to another key
 */
export type Verdict = 'right' | 'dangling' | { readonly to: Key };

export interface ReferenceContext {
  readonly store: Store;
  readonly migration: Migration;
  readonly campaign: CampaignDocument;
}

/** Whether a key is of either home of the rule's records. */
export const isOfRule = ({ from, into }: EntityRule, key: Key): boolean => matches(from, key) || matches(into, key);

/** Keys of records that move, in all entities of a page, by text. */
export function keysOf(
  found: readonly { readonly properties: Properties }[],
  { properties: declared }: Referring,
  namespace: string,
): Map<string, { readonly key: Key; readonly rule: EntityRule }> {
  const keys = new Map<string, { readonly key: Key; readonly rule: EntityRule }>();
  for (const { properties } of found) {
    for (const { path, to } of declared) {
      for (const key of keysAt(properties, path)) {
        if (key.namespace === namespace && isOfRule(to, key)) keys.set(nameOf(key, to), { key, rule: to });
      }
    }
  }
  return keys;
}

/** One key may be of several rules' homes. */
export const nameOf = (key: Key, { from }: EntityRule): string => `${key} ${from.join('/')}`;

/** Looks at both homes of all records that are meant. */
export async function verdictsOn(
  keys: ReadonlyMap<string, { readonly key: Key; readonly rule: EntityRule }>,
  context: ReferenceContext,
): Promise<Map<string, Verdict>> {
  const { store, campaign } = context;
  const all = [...keys].map(([name, { key, rule }]) => ({ name, key, rule }));
  const there = await readAll(
    store,
    all.map(({ key }) => key),
  );
  const verdicts = new Map<string, Verdict>();
  const pairs: { readonly name: string; readonly pair: Pair; readonly side: 'S' | 'T' }[] = [];
  all.forEach(({ name, key, rule }, i) => {
    verdicts.set(name, there[i] ? 'right' : 'dangling');
    attempt(() => {
      const held = hold(there[i]);
      const place = held && locate(rule, campaign.id, key, held);
      if (!place) return;
      const pair: Pair = {
        rule,
        scanned: place.side,
        keys: place.keys,
        S: undefined,
        T: undefined,
        replaceable: 'neither',
      };
      pair[place.side] = held;
      pairs.push({ name, pair, side: place.side });
    });
  });
  const others = await readAll(
    store,
    pairs.map(({ pair, side }) => pair.keys[side === 'S' ? 'T' : 'S']),
  );
  pairs.forEach(({ name, pair, side }, i) => {
    attempt(() => {
      pair[side === 'S' ? 'T' : 'S'] = hold(others[i]);
      verdicts.set(name, verdictOn(pair, side, context));
    });
  });
  return verdicts;
}

/** By level, as all else: where the record is now, and where it is wanted. */
function verdictOn(pair: Pair, side: 'S' | 'T', { migration, campaign }: ReferenceContext): Verdict {
  if (mismatch(pair, campaign.id)) return 'right';
  const { keys } = pair;
  const now = truth(asSide(pair.S), asSide(pair.T));
  if (now.kind === 'absent' || (now.kind === 'owner' && now.deleted)) return 'dangling';
  if (now.kind !== 'owner' || now.at === side) return 'right';
  const away = isAway(targetAt(campaign.targets, migration.by === 'group' ? keys.T.root : keys.S));
  return away === (now.at === 'T') ? { to: keys[now.at] } : 'right';
}

const asSide = (held: Pair['S']) => sideOf(held?.content, held?.slot);

const isAway = (target: Target): boolean => target === 'switched' || target === 'completed';

/** What cannot be read is that record's own trouble, which its own sweep lists. */
function attempt(act: () => void): void {
  try {
    act();
  } catch (error) {
    if (!(error instanceof HandoverError)) throw error;
  }
}

export async function readAll(store: Store, keys: readonly Key[]): Promise<(Entity | undefined)[]> {
  const found: (Entity | undefined)[] = [];
  for (const part of batches(keys, store.capabilities.maxMutations)) found.push(...(await store.read(part)));
  return found;
}
