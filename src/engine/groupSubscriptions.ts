import { isJoined } from '../../machines/group.ts';
import type { Target } from '../../machines/moves.ts';
import { type Migration, movedBy } from '../define/migration.ts';
import { LIMITS } from '../limits.ts';
import { Key } from '../record/key.ts';
import type { Entity, Store } from '../store/store.ts';
import { decode, documentKey, load, loadMany } from './documents.ts';
import { groupsHeldBack, isLeftBehind, listedOf } from './quarantine.ts';
import type { CampaignDocument, SubscriptionDocument } from './schemas.ts';
import { hasTerms, type Subscribed, subscribedOn } from './subscribed.ts';
import { pagesOf, subscribersOf } from './subscribers.ts';
import { restsAt, subscriptionKey } from './subscriptionDocument.ts';
import { targetAt } from './targets.ts';

/**
 * The subscriptions of a group. They do not hold up its records, nor the other way round, but for one thing: no old URL of
 * a group is given up before all its records are copied and clean and all its new URLs are proven, so that a user whose
 * move comes to nothing goes on as before. What has given up its old URL is never called back by that.
 */
interface GroupSubscriptions {
  readonly count: number;
  /** At their target. */
  readonly arrived: number;
  /** Not there yet, and not set aside. */
  readonly onTheWay: number;
  /** Every one has a new URL that is proven; but for those that are set aside and to be left. */
  readonly ready: boolean;
}

interface GroupLook {
  readonly store: Store;
  readonly migration: Migration;
  readonly campaign: CampaignDocument;
}

type State = SubscriptionDocument['state'];

export async function subscriptionsIn(look: GroupLook, root: Key, target: Target): Promise<GroupSubscriptions> {
  let [count, arrived, aside, left, proven] = [0, 0, 0, 0, 0];
  for (const state of await statesIn(look, root)) {
    count++;
    if (state === 'quarantined' || state === 'left') {
      aside++;
      if (state === 'left') left++;
    } else if (state) {
      if (restsAt(state, target)) arrived++;
      if (PROVEN.includes(state)) proven++;
    }
  }
  return { count, arrived, onTheWay: count - arrived - aside, ready: proven + left === count };
}

/** `left`: quarantined, and to stay so. */
type Seen = State | 'quarantined' | 'left';

/** Of each: its state; undefined for one that is not begun. */
async function statesIn(look: GroupLook, root: Key): Promise<(Seen | undefined)[]> {
  const { store, migration, campaign } = look;
  const states: (Seen | undefined)[] = [];
  for (const [i, rule] of migration.subscriptions.entries()) {
    const ruleIndex = migration.records.length + i;
    const reading = { store, migration, campaign, rule, ruleIndex };
    const moves = movedBy(migration, rule) !== undefined;
    for await (const notes of pagesOf(store, subscribersOf(campaign.id, ruleIndex, root), () => LIMITS.pageSize)) {
      const sources = notes.map((note) => Key.parse(decode('subscriber', note).value.source));
      // A record that stays is looked for by its own key: of one that is there no more nobody speaks.
      const records = moves ? notes : (await store.read(sources)).filter((record) => record !== undefined);
      const found = await subscribedOn(records, reading);
      const those = found.map(({ source }) => source);
      const keys = those.map((source) => subscriptionKey(source.toString()));
      const documents = await loadMany(store, 'subscription', keys);
      const listed = campaign.quarantines ? await listedOf(store, campaign.id, those) : [];
      for (const [n, each] of found.entries()) {
        const document = documents[n]?.value;
        const entry = listed[n];
        if (entry) states.push(isLeftBehind(campaign, entry) ? 'left' : 'quarantined');
        else if (document?.campaign === campaign.id) states.push(document.state);
        else if ('error' in each || hasTerms(each.terms)) states.push(undefined);
      }
    }
  }
  return states;
}

/** The new URL has proved itself, whatever came of the old one since. */
const PROVEN: readonly State[] = ['proven', 'unsubscribing', 'lapsing', 'draining', 'switched', 'settled'];
/** The old URL is being given up, or was. */
const GIVEN_UP: readonly State[] = ['unsubscribing', 'lapsing', 'draining', 'switched', 'settled'];

type TargetOf = (of: Subscribed) => Promise<(state: State) => Target>;

export const targetsOf =
  ({ targets }: CampaignDocument): TargetOf =>
  async ({ source }) =>
  () =>
    targetAt(targets, source);

/** By group: as far as the group is. One that stays behind as a whole has its subscriptions at home. */
export async function gatedBy(store: Store, campaign: CampaignDocument): Promise<TargetOf> {
  const heldBack = await groupsHeldBack(store, campaign);
  const gates = new Map<string, Promise<boolean>>();
  const isOpen = (group: Key) => {
    const name = group.toString();
    const gate = gates.get(name) ?? isAdmitted(store, campaign, group);
    gates.set(name, gate);
    return gate;
  };
  return async ({ group }) => {
    const target = targetAt(campaign.targets, group!);
    if (target === 'home' || target === 'copied') return () => target;
    const behind = heldBack.has(group!.toString()) ? 'home' : (await isOpen(group!)) ? target : 'copied';
    return (state) => (GIVEN_UP.includes(state) ? target : behind);
  };
}

async function isAdmitted(store: Store, { id, generation }: CampaignDocument, group: Key): Promise<boolean> {
  const stored = await load(store, 'group', documentKey('group', id, group.toString()));
  if (!stored || stored.value.generation !== generation) return false;
  const { state, subscriptions } = stored.value;
  return (state === 'moving' || isJoined(state)) && subscriptions?.ready === true;
}

/** The groups of what was noted. */
export const groupsNoted = (notes: readonly Entity[]): Key[] =>
  notes.map((note) => Key.parse(decode('subscriber', note).value.group!));
