import { hash } from 'node:crypto';
import type { Side } from '../../machines/moves.ts';
import { type Migration, movedBy } from '../define/migration.ts';
import type { SubscriptionRule } from '../define/subscription.ts';
import { HandoverError } from '../errors.ts';
import type { Content } from '../record/content.ts';
import { Key } from '../record/key.ts';
import type { Entity, KeyRange, Mutation, Store } from '../store/store.ts';
import { encode, KINDS, loadMany, nameOfText, type Stored } from './documents.ts';
import { type Fence, Fenced } from './fence.ts';
import { type Held, type Pair, roleOf } from './pair.ts';
import type { SubscriberDocument } from './schemas.ts';

/**
 * Which records have a subscription, where that is not seen by going through the records of its kind: they move, so that
 * they are now here and now there; or they belong to a group, whose subscriptions must be found together. A note each,
 * named by rule, group and old key. A record's old key names its subscription for good, wherever the record lives.
 *
 * The note comes first: no worker moves a record before it is noted, and no subscription is begun. Whatever else moves
 * a record, a client, shows in its slot, and such a record is looked at again where it is found next.
 */
export function subscriberKey(campaign: string, rule: number, group: Key | undefined, source: Key): Key {
  return noteKey(`${prefixOf(campaign, rule, group)}${nameOfText(source.toString())}`);
}

const noteKey = (id: string): Key => Key.of([{ kind: KINDS.subscriber, id }]);

const prefixOf = (campaign: string, rule: number, group: Key | undefined): string =>
  `${campaign} ${rule} ${group ? hash('sha256', group.toString(), 'hex') : '-'} `;

/** All notes of a rule, or of one group. */
export function subscribersOf(campaign: string, rule: number, group?: Key): KeyRange {
  const prefix = group ? prefixOf(campaign, rule, group) : `${campaign} ${rule} `;
  return {
    namespace: '',
    kind: KINDS.subscriber,
    after: noteKey(prefix),
    until: noteKey(`${prefix}\u{10FFFF}`),
  };
}

/** The subscriptions of the records that a rule moves, with their number. */
export interface Subscribing {
  readonly rule: SubscriptionRule;
  readonly index: number;
  readonly byGroup: boolean;
}

export function subscribingOf(migration: Migration, records: number): Subscribing | undefined {
  const i = migration.subscriptions.findIndex((rule) => movedBy(migration, rule) === migration.records[records]);
  if (i < 0) return undefined;
  return { rule: migration.subscriptions[i]!, index: migration.records.length + i, byGroup: migration.by === 'group' };
}

/** Whether a record may have a subscription that nobody has noted: what workers alone have moved, they have noted. */
export function mayBeNew(side: Side, held: Held | undefined, campaign: string): boolean {
  if (!held || roleOf(held) !== 'O') return false;
  const { slot } = held;
  if (!slot || slot.campaign !== campaign) return side === 'S';
  return slot.nonce !== undefined || slot.journal.some(({ by }) => by === 'client');
}

/** The same, of a slot that was not decoded: it may be so. */
export const mayBeNewByText = (slot: string): boolean => slot.includes('"w":') || slot.includes(' client');

/** Whether the record has a subscription, or fails to say: then whoever begins it finds out, and says why. */
export function isSubscriber(
  { rule, keys }: Pick<Pair, 'rule' | 'keys'>,
  side: Side,
  content: Content,
  of: Subscribing,
) {
  try {
    return of.rule.termsOf(keys.S, side === 'S' ? content : rule.backward(keys.S, content)) !== undefined;
  } catch (error) {
    if (!(error instanceof HandoverError)) throw error;
    return true;
  }
}

export interface Note {
  readonly key: Key;
  readonly value: SubscriberDocument;
}

export const noteOf = (
  campaign: string,
  rule: number,
  source: Key,
  peer: Key | undefined,
  group: Key | undefined,
): Note => ({
  key: subscriberKey(campaign, rule, group, source),
  value: {
    v: 1,
    source: source.toString(),
    ...(peer ? { peer: peer.toString() } : {}),
    ...(group ? { group: group.toString() } : {}),
  },
});

/** Writes down what is not there yet. `fresh`: so many were not. `unsure`: these may not be there now. */
export async function writeNotes(
  store: Store,
  notes: readonly Note[],
  fence: Pick<Fence, 'renew' | 'check' | 'guard'>,
): Promise<{ readonly fresh: number; readonly unsure: ReadonlySet<Note> }> {
  const unsure = new Set<Note>();
  if (notes.length === 0) return { fresh: 0, unsure };
  const there = await loadMany(
    store,
    'subscriber',
    notes.map(({ key }) => key),
  );
  const due = notes
    .map((note, i) => mutationOf(note, there[i]))
    .flatMap((mutation, i) => (mutation ? [{ mutation, note: notes[i]! }] : []));
  if (due.length === 0) return { fresh: 0, unsure };
  await fence.renew();
  fence.check();
  for (let i = 0; i < due.length; i += store.capabilities.maxMutations) {
    const part = due.slice(i, i + store.capabilities.maxMutations);
    const outcomes = await store.commit(
      part.map(({ mutation }) => mutation),
      fence.guard,
    );
    outcomes.forEach((outcome, n) => {
      if (outcome.status === 'fenced') throw new Fenced();
      if (outcome.status !== 'applied') unsure.add(part[n]!.note);
    });
  }
  return { fresh: due.length - unsure.size, unsure };
}

function mutationOf({ key, value }: Note, there: Stored<'subscriber'> | undefined): Mutation | undefined {
  if (!there) return { op: 'insert', key, content: encode(value) };
  if (there.value.peer === value.peer) return undefined;
  return { op: 'update', key, version: there.version, content: encode(value) };
}

export type Pages = AsyncGenerator<readonly Entity[]>;

/** All entities of a range, page by page. */
export async function* pagesOf(store: Store, whole: KeyRange, size: () => number): Pages {
  let range = whole;
  for (let more = true; more; ) {
    const page = await store.scan(range, size());
    yield page.entities;
    more = page.more;
    const last = page.entities[page.entities.length - 1];
    if (last) range = { ...range, after: last.key };
  }
}
