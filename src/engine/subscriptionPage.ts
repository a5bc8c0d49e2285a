import type { Target } from '../../machines/moves.ts';
import { pathOf, type SubscriptionRule, type SubscriptionTerms } from '../define/subscription.ts';
import { type ErrorCode, HandoverError, isPassing } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Key } from '../record/key.ts';
import type { Entity, Store } from '../store/store.ts';
import { add, type Counts } from './counts.ts';
import { load, loadMany, type Stored, save } from './documents.ts';
import { quarantine, quarantineKey } from './quarantine.ts';
import type { CampaignDocument, QuarantineDocument, SubscriptionDocument } from './schemas.ts';
import { type Arrival, bringSubscription, type Handling } from './subscription.ts';
import { callbackKey, subscriptionAtHome, subscriptionKey } from './subscriptionDocument.ts';
import { nameOf } from './sweep.ts';

export interface SubscriptionPageOptions extends Omit<Handling, 'rule'> {
  readonly rule: SubscriptionRule;
  readonly ruleIndex: number;
  readonly campaign: CampaignDocument;
  /** Where the subscription of the record with this key is wanted. */
  readonly targetOf: (source: Key) => Target;
  /** Told of each that was not listed before; for logs. */
  readonly onQuarantined?: ((entry: QuarantineDocument) => void) | undefined;
}

/** Brings the subscriptions of one scanned page of records nearer to their targets, several side by side. */
export async function processSubscriptions(
  entities: readonly Entity[],
  options: SubscriptionPageOptions,
): Promise<{ readonly counts: Counts; readonly newlyQuarantined: number }> {
  const { store, clock, campaign, targetOf } = options;
  const listed = await listedOf(entities, options);
  const counts: Counts = {};
  const failures: { readonly key: Key; readonly value: QuarantineDocument }[] = [];
  const work = [...entities];
  const lane = async () => {
    for (let entity = work.shift(); entity; entity = work.shift()) {
      const { key } = entity;
      if (listed.has(key.toString())) {
        add(counts, 'seen');
        add(counts, 'quarantined');
        continue;
      }
      try {
        const stored = await begun(entity, options);
        if (stored) count(counts, await bringSubscription(stored, targetOf(key), options), entity, failures, options);
      } catch (error) {
        if (isPassing(error) || !(error instanceof HandoverError)) throw error;
        failures.push(failureOf(key, error.code, error.detail, options));
      }
    }
  };
  await Promise.all(Array.from({ length: LIMITS.hubRequests }, lane));
  if (failures.length > 0) {
    add(counts, 'seen', failures.length);
    add(counts, 'quarantined', failures.length);
  }
  const { fresh, unlisted } = await quarantine({ store, clock }, campaign, failures);
  for (const entry of fresh) options.onQuarantined?.(entry);
  if (unlisted > 0) add(counts, 'unresolved', unlisted);
  return { counts, newlyQuarantined: failures.length };
}

async function listedOf(entities: readonly Entity[], { store, campaign }: SubscriptionPageOptions) {
  if (!campaign.quarantines) return new Set<string>();
  const keys = entities.map(({ key }) => quarantineKey(campaign.id, undefined, key));
  const listed = await loadMany(store, 'quarantine', keys);
  return new Set(entities.filter((_, i) => listed[i]).map(({ key }) => key.toString()));
}

function count(
  counts: Counts,
  arrival: Arrival,
  { key }: Entity,
  failures: { readonly key: Key; readonly value: QuarantineDocument }[],
  options: SubscriptionPageOptions,
): void {
  if (arrival.moves > 0) {
    add(counts, 'moved');
    add(counts, 'moves', arrival.moves);
  }
  if (arrival.status === 'refused') {
    failures.push(failureOf(key, 'subscription.refused', arrival.cause, options));
    return;
  }
  add(counts, 'seen');
  add(counts, `subscription:${arrival.document.state}`);
  if (arrival.status === 'waiting') add(counts, 'unresolved');
}

function failureOf(
  key: Key,
  code: ErrorCode,
  message: string,
  { campaign, clock, ruleIndex }: SubscriptionPageOptions,
) {
  const value: QuarantineDocument = {
    v: 1,
    campaign: campaign.id,
    rule: ruleIndex,
    key: key.toString(),
    code,
    message,
    at: clock.now(),
    sweep: nameOf(campaign),
  };
  return { key: quarantineKey(campaign.id, undefined, key), value };
}

/** Its document, which is made where there is none of this campaign; undefined for a record without a subscription. */
async function begun(entity: Entity, options: SubscriptionPageOptions): Promise<Stored<'subscription'> | undefined> {
  const { store, rule, ruleIndex, campaign } = options;
  const source = entity.key.toString();
  const key = subscriptionKey(source);
  const stored = await load(store, 'subscription', key);
  if (stored?.value.campaign === campaign.id) return stored;
  const terms = rule.termsOf(entity.key, entity.content);
  if (!terms) return undefined;
  const { hub, topic } = await placeOf(terms, rule);
  const of = { campaign: campaign.id, rule: ruleIndex, source, hub, topic, protocol: rule.protocol };
  const fresh = subscriptionAtHome(of, terms);
  // What an earlier campaign left subscribed is what this one begins with.
  const left =
    stored?.value.state === 'settled' && stored.value.new.url === fresh.old.url ? stored.value.new : fresh.old;
  const value = { ...fresh, old: left };
  // Paths first: a receiver that is asked about one of them finds the way, and no subscription yet.
  const sides = rule.hub.isSender ? [] : (['old', 'new'] as const);
  for (const side of sides) await claimPath(store, value, side);
  options.fence.check();
  const saved = await save<'subscription'>(store, key, value, stored?.version, options.fence.guard);
  // Somebody else was faster, or may have been: the next sweep sees.
  return saved.status === 'applied' ? { key, value, version: saved.version } : load(store, 'subscription', key);
}

async function placeOf({ hub, topic }: SubscriptionTerms, { hub: port }: SubscriptionRule) {
  if (hub !== undefined) return { hub, topic };
  if (!port.discover) throw new HandoverError('transform.terms', 'the hub is not named, and cannot be discovered.');
  return port.discover(topic);
}

/** Throws `target.collision` where the path is another subscription's. */
async function claimPath(store: Store, { source, ...sides }: SubscriptionDocument, side: 'old' | 'new'): Promise<void> {
  const path = pathOf(sides[side].url);
  const key = callbackKey(path);
  const value = { v: 1 as const, subscription: source, side };
  const there = await load(store, 'callback', key);
  if (there && there.value.subscription !== source)
    throw new HandoverError('target.collision', `${path} is the callback of ${there.value.subscription}, too.`);
  if (there?.value.side === side) return;
  // Under an earlier campaign it was the new one.
  const { status } = await save<'callback'>(store, key, value, there?.version);
  // Without it no hub could be answered: the subscription is begun when it is there.
  if (status !== 'applied') throw new HandoverError('store.unknown', `A write of ${key}.`);
}
