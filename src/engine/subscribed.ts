import { matches } from '../define/entity.ts';
import { type Migration, movedBy } from '../define/migration.ts';
import type { SubscriptionRule, SubscriptionTerms } from '../define/subscription.ts';
import { HandoverError } from '../errors.ts';
import type { Content } from '../record/content.ts';
import { Key } from '../record/key.ts';
import type { Entity, Store } from '../store/store.ts';
import { decode, erase, load, type Stored } from './documents.ts';
import type { Item } from './item.ts';
import { lookAgain } from './looks.ts';
import { type Pair, peerOf, roleOf } from './pair.ts';
import { type Note, noteOf, subscriberKey } from './subscribers.ts';

/** A record of which there may be a subscription, wherever it lives. */
export interface Subscribed {
  /** Its old key, which names the subscription. */
  readonly source: Key;
  /** Under `by: 'group'`: the root of its group. */
  readonly group: Key | undefined;
  /** What the record says; undefined where it has no subscription, or is there no more. Throws `transform.terms`. */
  readonly terms: () => SubscriptionTerms | undefined;
  /** To be written before it is begun. */
  readonly note?: Note;
}

/** One that cannot be made out. */
export interface Unclear {
  readonly source: Key;
  readonly error: HandoverError;
}

export interface Reading {
  readonly store: Store;
  readonly campaign: { readonly id: string };
  readonly migration: Migration;
  readonly rule: SubscriptionRule;
  readonly ruleIndex: number;
}

/** What a scanned page leads to: the records themselves, or what was noted of such as move. */
export async function subscribedOn(entities: readonly Entity[], reading: Reading): Promise<(Subscribed | Unclear)[]> {
  const { migration, rule } = reading;
  if (movedBy(migration, rule)) return movedOn(entities, reading);
  const wanted = entities.filter(({ key }) => matches(rule.of, key));
  // A record without a subscription need not say of which group it would be.
  return wanted
    .map((entity) => clearly(entity.key, () => stayingAt(entity, reading)))
    .filter((each, i) => !('error' in each) || hasTerms(() => rule.termsOf(wanted[i]!.key, wanted[i]!.content)));
}

function clearly(source: Key, make: () => Subscribed): Subscribed | Unclear {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof HandoverError)) throw error;
    return { source, error };
  }
}

function stayingAt({ key, content }: Entity, { migration, rule, ruleIndex, campaign }: Reading): Subscribed {
  const terms = () => rule.termsOf(key, content);
  if (migration.by === 'record') return { source: key, group: undefined, terms };
  const group = rule.groupOf?.(key, content) ?? key.root;
  return { source: key, group, terms, note: noteOf(campaign.id, ruleIndex, key, undefined, group) };
}

/** False only where it surely has no subscription: a failure to say shows when that is begun. */
export function hasTerms(terms: Subscribed['terms']): boolean {
  try {
    return terms() !== undefined;
  } catch (error) {
    if (!(error instanceof HandoverError)) throw error;
    return true;
  }
}

async function movedOn(entities: readonly Entity[], reading: Reading): Promise<(Subscribed | Unclear)[]> {
  const { store, migration, rule } = reading;
  const moving = movedBy(migration, rule)!;
  const notes = entities.map((entity) => decode('subscriber', entity));
  const items = notes.map(({ value }): Item => {
    const keys = { S: Key.parse(value.source), T: Key.parse(value.peer!) };
    const pair: Pair = { rule: moving, scanned: 'S', keys, S: undefined, T: undefined, replaceable: 'neither' };
    return { pair, target: 'home', moves: 0 };
  });
  await lookAgain(items, store);
  const found = await Promise.all(notes.map((noted, i) => movingAt(noted, items[i]!, reading)));
  return found.flatMap((each) => each ?? []);
}

async function movingAt(
  noted: Stored<'subscriber'>,
  { pair, result }: Item,
  { store, rule, migration, campaign, ruleIndex }: Reading,
): Promise<Subscribed | Unclear | undefined> {
  const source = pair.keys.S;
  if (result?.status === 'failed') return { source, error: new HandoverError(result.code, result.message) };
  const terms = () => {
    const content = oldShapeOf(pair);
    return content && rule.termsOf(source, content);
  };
  if (migration.by === 'record') return { source, group: undefined, terms };
  const group = Key.parse(noted.value.group!);
  // It belongs to another group now, and that was noted too. It may have gone there already, before this group was looked at.
  if (pair.S) {
    const now = clearly(source, () => ({ source, group: peerOf(pair, pair.S!).root, terms }));
    if ('error' in now) return now;
    if (
      !now.group!.equals(group) &&
      (await load(store, 'subscriber', subscriberKey(campaign.id, ruleIndex, now.group, source)))
    ) {
      await erase(store, [noted]);
      return undefined;
    }
  }
  return { source, group, terms };
}

/** What the record says, from the side that holds the truth. */
function oldShapeOf({ S, T, keys, rule }: Pair): Content | undefined {
  const [s, t] = [roleOf(S), roleOf(T)];
  if (s === 'O') return S!.content;
  if (t === 'O') return rule.backward(keys.S, T!.content);
  if (s === 'C') return S!.content;
  return t === 'C' ? rule.backward(keys.S, T!.content) : undefined;
}
