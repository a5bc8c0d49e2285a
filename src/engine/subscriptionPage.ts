import type { Target } from '../../machines/moves.ts';
import type { Clock } from '../clock.ts';
import type { Migration } from '../define/migration.ts';
import { pathOf, type SubscriptionRule, type SubscriptionTerms } from '../define/subscription.ts';
import { HandoverError, isPassing } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Key } from '../record/key.ts';
import type { Entity, Store } from '../store/store.ts';
import { add, type Counts, waitFor } from './counts.ts';
import { load, loadMany, type Stored, save } from './documents.ts';
import { Fenced } from './fence.ts';
import { entryOf, type Failed, listedOf, quarantine } from './quarantine.ts';
import type { CampaignDocument, QuarantineDocument, SubscriptionDocument } from './schemas.ts';
import { hasTerms, type Subscribed, subscribedOn, type Unclear } from './subscribed.ts';
import { writeNotes } from './subscribers.ts';
import { type Arrival, bringSubscription, type Handling, renew } from './subscription.ts';
import { callbackKey, hubPauseMs, subscriptionAtHome, subscriptionKey } from './subscriptionDocument.ts';

export interface SubscriptionPageOptions extends Omit<Handling, 'rule'> {
  readonly migration: Migration;
  readonly rule: SubscriptionRule;
  readonly ruleIndex: number;
  readonly campaign: CampaignDocument;
  /** Where a subscription is wanted, by the state it is in. */
  readonly targetOf: (of: Subscribed) => Promise<(state: SubscriptionDocument['state']) => Target>;
  /** Told of each that was not listed before; for logs. */
  readonly onQuarantined?: ((entry: QuarantineDocument) => void) | undefined;
}

/** Brings the subscriptions that one scanned page leads to nearer to their targets, several side by side. */
export async function processSubscriptions(
  entities: readonly Entity[],
  options: SubscriptionPageOptions,
): Promise<{ readonly counts: Counts; readonly newlyQuarantined: number }> {
  const { campaign, targetOf } = options;
  const counts: Counts = {};
  const failures: Failed[] = [];
  const found = await subscribedOn(entities, options);
  const listed = await setAsideAmong(found, options);
  const { wanted, setAside } = await existing(found, listed, counts, options);
  const work = await noted(wanted, counts, options);
  for (const stored of setAside) await renew(stored, options);
  const lane = async () => {
    for (let each = work.shift(); each; each = work.shift()) {
      const { source } = each;
      try {
        if ('error' in each) throw each.error;
        const stored = await begun(each, options);
        if (!stored) continue;
        if (stored === 'waiting') {
          add(counts, 'seen');
          waitFor(counts, 1);
          continue;
        }
        count(counts, await bringSubscription(stored, await targetOf(each), options), source, failures);
      } catch (error) {
        if (isPassing(error) || !(error instanceof HandoverError)) throw error;
        failures.push({ source, code: error.code, message: error.detail });
      }
    }
  };
  await Promise.all(Array.from({ length: LIMITS.hubRequests }, lane));
  if (failures.length > 0) {
    add(counts, 'seen', failures.length);
    add(counts, 'quarantined', failures.length);
  }
  const entries = failures.map((failure) => entryOf(failure, options));
  const { fresh, unlisted } = await quarantine(options, campaign, entries);
  for (const entry of fresh) options.onQuarantined?.(entry);
  if (unlisted > 0) waitFor(counts, unlisted);
  return { counts, newlyQuarantined: failures.length };
}

type Found = Subscribed | Unclear;

async function setAsideAmong(found: readonly Found[], { store, campaign }: SubscriptionPageOptions) {
  if (!campaign.quarantines) return new Set<Found>();
  const sources = found.map(({ source }) => source);
  const listed = await listedOf(store, campaign.id, sources);
  return new Set(found.filter((_, i) => listed[i]));
}

/** Those of which there is a subscription, or is to be; those that fail to say, too. And what is there of those set aside. */
async function existing(
  found: readonly Found[],
  listed: ReadonlySet<Found>,
  counts: Counts,
  { store, campaign }: SubscriptionPageOptions,
): Promise<{ readonly wanted: Found[]; readonly setAside: Stored<'subscription'>[] }> {
  const keys = found.map(({ source }) => subscriptionKey(source.toString()));
  const documents = await loadMany(store, 'subscription', keys);
  const ownOf = (i: number) => (documents[i]?.value.campaign === campaign.id ? documents[i] : undefined);
  const isLive = (stored: Stored<'subscription'>) => stored.value.hub !== UNDISCOVERED;
  const wanted = found.filter((each, i) => {
    if (listed.has(each)) {
      add(counts, 'seen');
      add(counts, 'quarantined');
      return false;
    }
    return 'error' in each || ownOf(i) !== undefined || hasTerms(each.terms);
  });
  const setAside = found.flatMap((each, i) => (listed.has(each) ? (ownOf(i) ?? []) : [])).filter(isLive);
  return { wanted, setAside };
}

/** Those whose group can find them. */
async function noted(found: readonly Found[], counts: Counts, options: SubscriptionPageOptions): Promise<Found[]> {
  const noteIn = (each: Found) => ('note' in each ? each.note : undefined);
  const { unsure } = await writeNotes(
    options.store,
    found.flatMap((each) => noteIn(each) ?? []),
    options.fence,
  );
  if (unsure.size === 0) return [...found];
  waitFor(counts, unsure.size);
  return found.filter((each) => !unsure.has(noteIn(each)!));
}

function count(counts: Counts, arrival: Arrival, source: Key, failures: Failed[]): void {
  if (arrival.moves > 0) {
    add(counts, 'moved');
    add(counts, 'moves', arrival.moves);
  }
  if (arrival.status === 'refused') {
    failures.push({ source, code: 'subscription.refused', message: arrival.cause });
    return;
  }
  add(counts, 'seen');
  add(counts, `subscription:${arrival.document.state}`);
  if (arrival.status === 'waiting') waitFor(counts, 1);
  if (arrival.document.fetch) add(counts, 'topicless');
}

/**
 * Its document, which is made where there is none of this campaign; undefined for a record without a subscription. What may
 * not have been stored, or whose hub could not be discovered yet, waits for the next visit.
 */
async function begun(
  of: Subscribed,
  options: SubscriptionPageOptions,
): Promise<Stored<'subscription'> | 'waiting' | undefined> {
  const { store, clock, rule, ruleIndex, campaign } = options;
  const source = of.source.toString();
  const key = subscriptionKey(source);
  const stored = await load(store, 'subscription', key);
  const own = stored?.value.campaign === campaign.id ? stored : undefined;
  if (own && own.value.hub !== UNDISCOVERED) {
    if (own.value.state === 'home') await pointPaths(store, own.value, rule);
    return own;
  }
  const terms = of.terms();
  if (!terms) return undefined;
  const tried = own?.value.fetch;
  if (tried && clock.now() < tried.at) return 'waiting';
  const { fetch, ...found } = await placeOf(terms, rule).catch((error) => unreachable(error, terms, tried, clock));
  const place = { campaign: campaign.id, rule: ruleIndex, source, protocol: rule.protocol, ...found };
  const fresh = subscriptionAtHome(place, terms, rule.hub);
  // What an earlier campaign left subscribed is what this one begins with.
  const left = own?.value.old ?? (await leftBy(stored?.value, fresh, store)) ?? fresh.old;
  const value = { ...fresh, old: left, new: sharing(left, fresh), ...(fetch ? { fetch } : {}) };
  // Paths first: a receiver that is asked about one of them finds the way, and no subscription yet.
  for (const side of sidesOf(rule)) await claimPath(store, value, side);
  options.fence.check();
  const saved = await save<'subscription'>(store, key, value, stored?.version, options.fence.guard);
  if (saved.status === 'fenced') throw new Fenced();
  // Somebody else was faster, or may have been; or it is not there: nobody may close the campaign over that.
  if (saved.status !== 'applied' || fetch) return 'waiting';
  await pointPaths(store, value, rule);
  return { key, value, version: saved.version };
}

/** In place of the hub of a topic that could not be asked for it. */
const UNDISCOVERED = '';

/** It is asked again after a pause, which is stored, and set aside when it never answers. */
function unreachable(
  error: unknown,
  { topic }: SubscriptionTerms,
  before: SubscriptionDocument['fetch'],
  clock: Clock,
): { readonly hub: string; readonly topic: string; readonly fetch: SubscriptionDocument['fetch'] } {
  const attempt = (before?.attempt ?? 0) + 1;
  const isOver = attempt >= LIMITS.hubAttempts;
  if (!(error instanceof HandoverError) || error.code !== 'topic.unreachable' || isOver) throw error;
  const cause = error.detail.slice(0, LIMITS.hubCauseCharacters);
  return { hub: UNDISCOVERED, topic, fetch: { attempt, at: clock.now() + hubPauseMs(attempt), cause } };
}

/** What there is one of has one name. */
function sharing({ reference }: SubscriptionDocument['old'], { shape, new: its }: SubscriptionDocument) {
  return shape === 'swap' && reference !== undefined ? { ...its, reference } : its;
}

async function placeOf(
  { hub, topic }: SubscriptionTerms,
  { hub: port }: SubscriptionRule,
): Promise<{ readonly hub: string; readonly topic: string; readonly fetch?: SubscriptionDocument['fetch'] }> {
  if (hub !== undefined) return { hub, topic };
  // A provider has one address of its own, and knows it.
  if (!port.discover) return { hub: port.name, topic };
  if (!URL.canParse(topic)) {
    throw new HandoverError('transform.terms', `The topic ${topic} is no URL, by which its hub would be discovered.`);
  }
  return port.discover(topic);
}

/**
 * What an earlier campaign left subscribed is what this one begins with: under the record's key, or, where the record was
 * moved since, under the key that it had then.
 */
async function leftBy(
  before: SubscriptionDocument | undefined,
  { old }: SubscriptionDocument,
  store: Store,
): Promise<SubscriptionDocument['new'] | undefined> {
  const last = before ?? (await ownerOf(pathOf(old.url), store));
  return last?.state === 'settled' && last.new.url === old.url ? last.new : undefined;
}

/** The URLs by which a receiver finds a subscription: not those of an application's own subscribers. */
const sidesOf = ({ hub }: SubscriptionRule) => (hub.isSender ? [] : (['old', 'new'] as const));

async function ownerOf(path: string, store: Store): Promise<SubscriptionDocument | undefined> {
  const callback = await load(store, 'callback', callbackKey(path));
  return callback && (await load(store, 'subscription', subscriptionKey(callback.value.subscription)))?.value;
}

/** Whether a path is the one on which a campaign that is over has left this topic: then it is taken on from there. */
async function isLeft(path: string, topic: string, store: Store): Promise<boolean> {
  const owner = await ownerOf(path, store);
  return owner?.state === 'settled' && owner.topic === topic && pathOf(owner.new.url) === path;
}

/** Throws `target.collision` where the path is another subscription's. */
async function claimPath(store: Store, { source, topic, ...sides }: SubscriptionDocument, side: 'old' | 'new') {
  const path = pathOf(sides[side].url);
  const key = callbackKey(path);
  const value = { v: 1 as const, subscription: source, side };
  const there = await load(store, 'callback', key);
  if (there && there.value.subscription !== source && !(side === 'old' && (await isLeft(path, topic, store))))
    throw new HandoverError('target.collision', `${path} is the callback of ${there.value.subscription}, too.`);
  if (there) return;
  const { status } = await save<'callback'>(store, key, value, undefined);
  // Without it no hub could be answered: the subscription is begun when it is there.
  if (status !== 'applied') throw new HandoverError('store.unknown', `A write of ${key}.`);
}

/**
 * Paths that an earlier campaign left lead to this subscription from now on. Only when it is there: until then deliveries
 * go on as before. Nothing is asked before they do.
 */
async function pointPaths(
  store: Store,
  { source, old, new: its }: SubscriptionDocument,
  rule: SubscriptionRule,
): Promise<void> {
  const paths = { old: pathOf(old.url), new: pathOf(its.url) };
  for (const side of sidesOf(rule)) {
    const key = callbackKey(paths[side]);
    const there = await load(store, 'callback', key);
    if (there?.value.side === side && there.value.subscription === source) continue;
    const { status } = await save<'callback'>(store, key, { v: 1, subscription: source, side }, there?.version);
    if (status !== 'applied') throw new HandoverError('store.unknown', `A write of ${key}.`);
  }
}
