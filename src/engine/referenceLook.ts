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
import { readAll } from './looks.ts';
import { hold, mismatch, other, type Pair, pairOf, roleOf } from './pair.ts';
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

/** Whose content is read for keys: copies say what their owners say, and what was given away is looked at where it is. */
export function isOwner(entity: Entity): boolean {
  try {
    return roleOf(hold(entity)) === 'O' && entity.content.properties !== undefined;
  } catch (error) {
    if (!(error instanceof HandoverError)) throw error;
    return false;
  }
}

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
  const pairs: { readonly name: string; readonly pair: Pair }[] = [];
  all.forEach(({ name, rule }, i) => {
    verdicts.set(name, there[i] ? 'right' : 'dangling');
    attempt(() => {
      const pair = there[i] && pairOf(rule, campaign.id, there[i]);
      if (pair) pairs.push({ name, pair });
    });
  });
  const others = await readAll(
    store,
    pairs.map(({ pair }) => pair.keys[other(pair.scanned)]),
  );
  pairs.forEach(({ name, pair }, i) => {
    attempt(() => {
      pair[other(pair.scanned)] = hold(others[i]);
      verdicts.set(name, verdictOn(pair, context));
    });
  });
  return verdicts;
}

/** By level, as all else: where the record is now, and where it is wanted. */
function verdictOn(pair: Pair, { migration, campaign }: ReferenceContext): Verdict {
  if (mismatch(pair, campaign.id)) return 'right';
  const { keys } = pair;
  const now = truth(asSide(pair.S), asSide(pair.T));
  if (now.kind === 'absent' || (now.kind === 'owner' && now.deleted)) return 'dangling';
  if (now.kind !== 'owner' || now.at === pair.scanned) return 'right';
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
