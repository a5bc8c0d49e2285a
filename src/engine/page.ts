import type { Side, Target } from '../../machines/moves.ts';
import type { RecordState } from '../../machines/record.ts';
import type { Clock } from '../clock.ts';
import { type EntityRule, matches } from '../define/entity.ts';
import { HandoverError, isPassing } from '../errors.ts';
import { Key } from '../record/key.ts';
import { isOwnerAtNewHome } from '../record/slot.ts';
import { checkKey } from '../store/check.ts';
import type { Entity, Store } from '../store/store.ts';
import { versionUnder } from './campaigns.ts';
import { add, type Counts, waitFor } from './counts.ts';
import { nextMove } from './decide.ts';
import type { Drops } from './dropping.ts';
import { type Item, targetNow } from './item.ts';
import { lookAtPeers } from './looks.ts';
import type { Actor } from './moves.ts';
import { type Held, hold, type Pair, pairOf, roleOf, stateOf } from './pair.ts';
import { entryOf, type Failed, quarantine, quarantined } from './quarantine.ts';
import { type ReconcileOptions, reconcile } from './reconcile.ts';
import type { CampaignDocument, QuarantineDocument } from './schemas.ts';
import { settleSplit } from './split.ts';
import {
  isSubscriber,
  mayBeNew,
  mayBeNewByText,
  type Note,
  noteOf,
  type Subscribing,
  writeNotes,
} from './subscribers.ts';

export interface PageOptions {
  readonly store: Store;
  readonly actor: Actor;
  readonly rule: EntityRule;
  readonly ruleIndex: number;
  readonly home: Side;
  /** Where the record with this old and new key is wanted. */
  readonly targetOf: (keys: Pair['keys']) => Target;
  /** The one target that all records share, if there is one. */
  readonly allTo: Target | undefined;
  /** Under a campaign by group: where its records go that have not switched, as long as the group is not admitted. */
  readonly behindTo?: Item['behindTo'];
  readonly drops?: Drops | undefined;
  readonly fence: ReconcileOptions['fence'];
  readonly clock: Clock;
  /** As the fence saw it: the sweep under way, and whether anything is quarantined. */
  readonly campaign: Pick<
    CampaignDocument,
    'id' | 'generation' | 'sweep' | 'quarantines' | 'migrationVersion' | 'firstVersion'
  >;
  /** Whether new homes are likely to be empty: then the look-up is skipped, and an insert that conflicts finds out. */
  readonly optimistic: boolean;
  readonly onMoves?: ReconcileOptions['onMoves'] | undefined;
  readonly pacer?: ReconcileOptions['pacer'];
  /** Records of earlier pages that their groups kept waiting, to be tried again with this one. */
  readonly carried?: readonly Item[];
  /** Whether such records may be left over again; else the page ends with every record. */
  readonly leaveCooling?: boolean;
  /** The subscriptions of these records, where they have some. */
  readonly subscribing?: Subscribing | undefined;
  /** Told of each record that was not listed before; for logs. */
  readonly onQuarantined?: ((entry: QuarantineDocument) => void) | undefined;
}

export interface PageResult {
  readonly counts: Counts;
  /** Inserts that were tried without a look, and how many of them met something. */
  readonly guessed: number;
  readonly missed: number;
  /** Records that rest with their truth at T. */
  readonly away: number;
  /** Entities that were quarantined just now. */
  readonly newlyQuarantined: number;
  /** Records that are not done, as their groups are to be left alone just now. */
  readonly cooling: readonly Item[];
}

/** Brings all records of one scanned page to their targets and says what became of them. */
export async function processPage(entities: readonly Entity[], options: PageOptions): Promise<PageResult> {
  const { store, campaign, home } = options;
  const failures: Failed[] = [];
  const found: Item[] = [];
  let arrived = 0;
  let atHome = 0;
  for (const entity of entities) {
    const item = toItem(entity, options, failures);
    if (item === 'arrived') arrived++;
    else if (item === 'at home') atHome++;
    else if (item) found.push(item);
  }
  const pairs = found.map(({ pair }) => pair);
  const skip: ReadonlySet<Pair> = campaign.quarantines ? await quarantined(store, campaign.id, pairs) : new Set();
  const counts: Counts = { seen: found.length + failures.length + arrived + atHome };
  if (arrived > 0) counts['T.completed'] = arrived;
  if (atHome > 0) counts['S.atHome'] = atHome;
  const items = skip.size === 0 ? found : found.filter(({ pair }) => !skip.has(pair));
  const listed = found.length - items.length;

  const guesses = items.filter((item) => mayGuess(item, options));
  const guessed = new Set(guesses);
  for (const item of guesses) item.guessed = true;
  const rest = items.filter((item) => !guessed.has(item));
  await lookAtPeers(rest, home, store);
  await noteSubscribers(items, entities, counts, options);
  const all = options.carried?.length ? [...options.carried, ...items] : items;
  await reconcile(all, options);
  await settleSplits(all, options);

  for (const item of all) countItem(item, home, counts, failures);
  const entries = failures.map((failure) => entryOf({ ...failure, group: groupOf(failure, home) }, options));
  const { fresh, unlisted } = await quarantine(options, campaign, entries);
  for (const entry of fresh) options.onQuarantined?.(entry);
  if (unlisted > 0) add(counts, 'unresolved', unlisted);
  if (listed + failures.length > 0) counts.quarantined = listed + failures.length;
  const missed = guesses.filter(({ result, lost }) => lost || (result && result.status !== 'rest')).length;
  const away = arrived + items.filter(({ pair, result }) => result?.status === 'rest' && roleOf(pair.T) === 'O').length;
  const cooling = all.filter(({ result }) => !result);
  return { counts, guessed: guesses.length, missed, away, newlyQuarantined: failures.length, cooling };
}

/** Before any of them is moved. What may not be noted stays as it is, until the next sweep. */
async function noteSubscribers(
  items: readonly Item[],
  entities: readonly Entity[],
  counts: Counts,
  options: PageOptions,
): Promise<void> {
  const { subscribing, store, rule, home, campaign, fence } = options;
  if (!subscribing) return;
  const notes = new Map<Note, Item | undefined>();
  const note = (pair: Pair, item?: Item) => {
    const held = pair[home];
    if (!mayBeNew(home, held, campaign.id) || !isSubscriber(pair, home, held!.content, subscribing)) return;
    const { S, T } = pair.keys;
    notes.set(noteOf(campaign.id, subscribing.index, S, T, subscribing.byGroup ? T.root : undefined), item);
  };
  for (const item of items) note(item.pair, item);
  // Those that have arrived make no items.
  for (const entity of home === 'T' && options.allTo === 'completed' ? entities : []) {
    if (entity.slot === undefined || !isOwnerAtNewHome(entity.slot, campaign.id) || !mayBeNewByText(entity.slot))
      continue;
    const held = hold(entity)!;
    const keys = { S: Key.parse(held.slot!.peer), T: entity.key };
    if (matches(rule.from, keys.S)) note({ rule, scanned: 'T', keys, S: undefined, T: held, replaceable: 'T' });
  }
  const { fresh, unsure } = await writeNotes(store, [...notes.keys()], fence);
  // What is noted now, the next sweep begins.
  waitFor(counts, fresh + unsure.size);
  for (const each of unsure) {
    const item = notes.get(each);
    if (item) item.result = { status: 'unresolved', state: stateOf(item.pair) };
  }
}

/** Asks the author where two entities claim a record, and goes on with those that are one again. */
async function settleSplits(items: readonly Item[], options: PageOptions): Promise<void> {
  const { rule, store, actor, fence } = options;
  if (!rule.onSplit) return;
  const settled: Item[] = [];
  for (const item of items) {
    const { pair, result } = item;
    if (result?.status !== 'failed' || result.code !== 'record.split' || !pair.S || !pair.T) continue;
    // Whether a delete or a write is to win, contents do not tell.
    if (pair.S.slot?.deleted || pair.T.slot?.deleted) continue;
    try {
      const verdict = rule.onSplit(pair.keys.S, pair.S.content, pair.T.content);
      if (!verdict) continue;
      await fence.renew();
      fence.check();
      const settled = await settleSplit({ store, actor, guard: fence.guard }, pair, verdict);
      // It may still land: nobody may close the campaign over it.
      if (!settled) item.doubtful = true;
    } catch (error) {
      if (isPassing(error) || !(error instanceof HandoverError)) throw error;
      item.result = { status: 'failed', code: error.code, message: error.detail };
      continue;
    }
    // Settled or not: what stands there now is looked at anew.
    delete item.result;
    delete item.mapped;
    pair.replaceable = 'neither';
    item.moves++;
    settled.push(item);
  }
  if (settled.length > 0) await reconcile(settled, options);
}

function toItem(entity: Entity, options: PageOptions, failures: Failed[]): Item | 'arrived' | 'at home' | undefined {
  const { actor, home } = options;
  let peer: Key | undefined;
  try {
    // An owner at T that is wanted at `completed` rests there; what may stand at S, the old home's sweep sees.
    if (home === 'T' && options.allTo === 'completed' && entity.slot !== undefined) {
      if (isOwnerAtNewHome(entity.slot, actor.campaign)) return 'arrived';
    }
    const pair = pairIn(entity, options);
    if (pair === 'at home') return pair;
    if (pair?.scanned !== home) return undefined;
    peer = pair.keys.T;
    checkKey(peer, options.store.capabilities);
    const target = options.targetOf(pair.keys);
    const behindTo = target === 'home' ? undefined : options.behindTo;
    const mapped = home === 'S' ? { mapped: entity.content } : {};
    return { pair, target, behindTo, drops: options.drops, moves: 0, ...mapped };
  } catch (error) {
    if (!(error instanceof HandoverError)) throw error;
    failures.push({ source: entity.key, peer, code: error.code, message: error.detail });
    return undefined;
  }
}

/** As `pairOf`; but an owner at S whose new key cannot be told rests where all are wanted at home. */
function pairIn(entity: Entity, { rule, actor, home, campaign, allTo }: PageOptions): Pair | 'at home' | undefined {
  try {
    return pairOf(rule, actor.campaign, entity, versionUnder(campaign));
  } catch (error) {
    const isAtHome = home === 'S' && allTo === 'home' && matches(rule.from, entity.key);
    // What is left at a new key that it had, leads here by its slot, and is found there.
    if (isAtHome && error instanceof HandoverError && error.code === 'transform.to') return 'at home';
    throw error;
  }
}

/** An owner at S that is going to be copied or passed on: assume that nothing stands at T, and let the insert tell. */
function mayGuess(item: Item, { optimistic, home, drops }: PageOptions): boolean {
  return (
    optimistic &&
    drops !== 'only' &&
    home === 'S' &&
    isUnmoved(item.pair.S) &&
    nextMove('atHome', targetNow(item), false) !== null
  );
}

/** An owner at S that no move has touched; a client may have written it, which leaves a slot without a journal. */
const isUnmoved = (S: Held | undefined): boolean => roleOf(S) === 'O' && (S!.slot?.journal.length ?? 0) === 0;

function countItem(item: Item, home: Side, counts: Counts, failures: Failed[]): void {
  const { pair, result } = item;
  // Counted when it is done: what is carried along comes by again.
  if (!result) return;
  if (item.moves > 0) add(counts, 'moved');
  if (item.moves > 0) add(counts, 'moves', item.moves);
  if (item.doubtful) add(counts, 'doubtful');
  if (result.status === 'failed') {
    failures.push({ source: pair.keys.S, peer: pair.keys.T, code: result.code, message: result.message });
  } else if (result.status === 'unresolved') add(counts, 'unresolved');
  else if (countsHere(result.state, home, pair)) add(counts, `${home}.${result.state}`);
}

/** Each record is counted once: by its old home's sweep, and by the new home's only where the old one holds nothing. */
const countsHere = (state: RecordState, home: Side, pair: Pair): boolean =>
  state !== 'absent' && (home === 'S' || pair.S === undefined);

/** What stands at the new home and cannot be read holds up the group that it stands in. */
const groupOf = ({ source, peer }: Failed, home: Side): Key | undefined =>
  peer?.root ?? (home === 'T' ? source.root : undefined);
