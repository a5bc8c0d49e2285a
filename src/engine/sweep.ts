import type { Side } from '../../machines/moves.ts';
import { type Migration, movedBy } from '../define/migration.ts';
import { LIMITS } from '../limits.ts';
import { Key } from '../record/key.ts';
import type { KeyRange, Store } from '../store/store.ts';
import { sweepName } from './campaigns.ts';
import { attempts, documentKey, erase, list, load, type Stored, save } from './documents.ts';
import { dropsOf } from './dropping.ts';
import { Fence, Fenced, type Hand, sameSweep } from './fence.ts';
import { endOf, type Planned } from './ranges.ts';
import { releaseRetried } from './retried.ts';
import type { CampaignDocument, RangeDocument, SweepDocument } from './schemas.ts';
import { subscribersOf } from './subscribers.ts';

/**
 * Where a sweep is kept: one look at every record of a campaign, all old homes, then all new ones, cut into ranges that
 * workers share. A range's checkpoint and its counts are one document, advanced by compare-and-set after its pages are done: a page
 * may be done twice after a crash, which changes nothing, but is counted once.
 */
export const sweepKey = (campaign: CampaignDocument): Key => documentKey('sweep', campaign.id, sweepName(campaign));

/** The number of the first rule of what is rewritten in place. */
export const firstField = ({ records, subscriptions }: Migration): number => records.length + subscriptions.length;

/** The number of the first form of what refers to records. */
export const firstReferring = (migration: Migration): number => firstField(migration) + migration.fields.length;

/**
 * All keys of one home of one rule; or, numbered on from the rules, of the records that have subscriptions, of those that are
 * rewritten in place, and of what refers to records.
 */
export function homeRange(migration: Migration, rule: number, home: Side): KeyRange {
  const { namespace, records, subscriptions, fields, references } = migration;
  const moved = records[rule];
  const staying = [...subscriptions, ...fields, ...references][rule - records.length];
  const kinds = moved ? moved[home === 'S' ? 'from' : 'into'] : staying!.of;
  const kind = kinds[kinds.length - 1]!;
  // One kind of what refers stands for all paths that end in it.
  return rule >= firstReferring(migration) && kinds.length === 1
    ? { namespace, kind }
    : { namespace, kind, rootKind: kinds[0]! };
}

/** What a sweep goes through for one home of one rule: records, or what was noted of such as have subscriptions. */
export function sweptRange(migration: Migration, campaign: string, rule: number, home: Side): KeyRange {
  const subscribed = migration.subscriptions[rule - migration.records.length];
  const noted = subscribed && (home === 'T' || movedBy(migration, subscribed));
  return noted ? subscribersOf(campaign, rule) : homeRange(migration, rule, home);
}

/** The sweep under way, planned by whoever comes first: one document holds all bounds, so all workers share one plan. Throws `Fenced`. */
export async function currentSweep(hand: Hand): Promise<SweepDocument> {
  const { store, clock, migration, look, signal } = hand;
  const campaign = look.campaign.value;
  const fence = Fence.by(look, { store, clock, still: (now) => sameSweep(now, campaign) });
  const key = sweepKey(campaign);
  return attempts(clock, key, signal, async () => {
    const stored = await load(store, 'sweep', key);
    if (stored) return { done: stored.value };
    // Before the sweep begins: what it finds again is listed under its own name, and no late hand releases that.
    await releaseRetried(hand, fence);
    const sweep: SweepDocument = {
      v: 1,
      startedAt: clock.now(),
      ranges: await planRanges(store, migration, campaign),
    };
    // A store may take longer to be cut than a look is acted on.
    await fence.renew();
    // Under the campaign that all of it was asked for by: else something may have been asked for that nobody did.
    fence.check();
    const saved = await save<'sweep'>(store, key, sweep, undefined, fence.guard);
    if (saved.status === 'fenced') throw new Fenced();
    return saved.status === 'applied' ? { done: sweep } : saved;
  });
}

async function planRanges(
  store: Store,
  migration: Migration,
  campaign: CampaignDocument,
): Promise<SweepDocument['ranges']> {
  const ranges: SweepDocument['ranges'] = [];
  const { records, fields, references } = migration;
  const homes = 2 * (records.length + migration.subscriptions.length) + fields.length + references.length;
  const each = Math.max(1, Math.floor(LIMITS.rangesPerSweep / homes));
  const pieces = Math.min(LIMITS.rangesPerHome, each);
  const finer = { most: Math.min(LIMITS.rangesPerHomeMost, each), entities: LIMITS.rangeRecords };
  const cut = async (rule: number, about: Pick<SweepDocument['ranges'][number], 'home' | 'refers'>) => {
    const whole = sweptRange(migration, campaign.id, rule, about.home);
    for (const { after, until } of await store.split(whole, pieces, finer)) {
      ranges.push({
        rule,
        ...about,
        ...(after ? { after: after.toString() } : {}),
        ...(until ? { until: until.toString() } : {}),
      });
    }
  };
  const refers = dropsOf(campaign, migration) === 'only' ? 'first' : 'last';
  for (const home of ['S', 'T'] as const) {
    // By group, what was noted of its subscriptions leads to groups, as records at their new home do.
    const subscriptions = home === 'S' || migration.by === 'group' ? migration.subscriptions : [];
    const fields = home === 'S' ? migration.fields : [];
    for (const rule of [...migration.records, ...subscriptions, ...fields].keys()) await cut(rule, { home });
  }
  for (const i of migration.references.keys()) await cut(firstReferring(migration) + i, { home: 'T', refers });
  return ranges;
}

/** What is left of a range, as its document says how far it goes, after this key. */
export function remaining(
  migration: Migration,
  campaign: string,
  range: Planned,
  cursor: string | undefined,
  document: Pick<RangeDocument, 'cuts'>,
): KeyRange {
  const after = cursor ?? range.after;
  const until = endOf(range, document);
  return {
    ...sweptRange(migration, campaign, range.rule, range.home),
    ...(after === undefined ? {} : { after: Key.parse(after) }),
    ...(until === undefined ? {} : { until: Key.parse(until) }),
  };
}

/** Deletes the documents of sweeps that are over. */
export async function forgetOldSweeps(store: Store, campaign: CampaignDocument): Promise<void> {
  const current = sweepName(campaign);
  for (const kind of ['sweep', 'range'] as const) {
    const old: Stored<typeof kind>[] = [];
    for await (const stored of list(store, kind, campaign.id)) {
      // Older names only: whoever is late with this must not touch a sweep that began since.
      if (String(stored.key.id) < current) old.push(stored);
    }
    await erase(store, old);
  }
}
