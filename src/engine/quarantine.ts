import type { Clock } from '../clock.ts';
import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Key } from '../record/key.ts';
import type { KeyRange, Store } from '../store/store.ts';
import { sweepName, updateCampaign } from './campaigns.ts';
import { documentKey, erase, KINDS, list, loadMany, nameOfKey, type Stored, save } from './documents.ts';
import type { Fence } from './fence.ts';
import type { Pair } from './pair.ts';
import type { CampaignDocument, QuarantineDocument, Which } from './schemas.ts';

type Swept = Pick<CampaignDocument, 'id' | 'generation' | 'sweep'>;

export interface Failed {
  readonly source: Key;
  readonly peer?: Key | undefined;
  readonly group?: Key | undefined;
  readonly code: string;
  readonly message: string;
}

interface Entry {
  readonly key: Key;
  readonly value: QuarantineDocument;
}

/**
 * Records that cannot be moved stay where they are, served, and are listed with the cause until an operator says
 * `retry`. Listed under the campaign and then the group, so that what of a group is quarantined is one short scan.
 */
export function quarantineKey(campaign: string, group: Key | undefined, source: Key): Key {
  return documentKey('quarantine', campaign, group ? nameOfKey(group) : '-', nameOfKey(source));
}

/** A record that could not be brought on, as it is listed. Of a `group` it is only where that waits for it. */
export function entryOf(
  { source, peer, group, code, message }: Failed,
  { campaign, ruleIndex, clock }: { campaign: Swept; ruleIndex: number; clock: Clock },
): Entry {
  const value: QuarantineDocument = {
    v: 1,
    campaign: campaign.id,
    rule: ruleIndex,
    key: source.toString(),
    ...(peer ? { peer: peer.toString() } : {}),
    ...(group ? { group: group.toString() } : {}),
    code,
    message,
    at: clock.now(),
    sweep: sweepName(campaign),
  };
  return { key: quarantineKey(campaign.id, group, source), value };
}

/**
 * Writes causes down. `fresh` are those that this very call has listed, as far as is known; an entry that is there stays as
 * it was. `unlisted` may not be on the list: nobody closes a campaign or switches a group over them, for the next sweep
 * asks again.
 *
 * The campaign says so first: whoever looks at it and finds that nothing was quarantined need not ask for the list.
 */
export async function quarantine(
  { store, clock }: { readonly store: Store; readonly clock: Clock },
  { id, quarantines }: Pick<CampaignDocument, 'id' | 'quarantines'>,
  entries: readonly Entry[],
): Promise<{ readonly fresh: readonly QuarantineDocument[]; readonly unlisted: number }> {
  if (entries.length === 0) return { fresh: [], unlisted: 0 };
  if (!quarantines) {
    const say = (current: CampaignDocument) => (current.quarantines ? undefined : { ...current, quarantines: true });
    await updateCampaign({ store, clock }, id, say);
  }
  const present = await loadMany(
    store,
    'quarantine',
    entries.map(({ key }) => key),
  );
  const fresh: QuarantineDocument[] = [];
  let unlisted = 0;
  for (const { key, value } of entries.filter((_, i) => !present[i])) {
    const { status } = await save(store, key, value, undefined);
    if (status !== 'applied') unlisted++;
    // In a conflict another worker, or another lane with the same range, was first, and tells. What may have been lost is
    // told by whoever may have written it: rather twice than never.
    if (status === 'applied' || status === 'unknown') fresh.push(value);
  }
  return { fresh, unlisted };
}

/** For each of these records, which are of no group, what is listed of it. One short read when nothing is quarantined. */
export async function listedOf(
  store: Store,
  campaign: string,
  sources: readonly Key[],
): Promise<(QuarantineDocument | undefined)[]> {
  if (!(await anyIn(store, campaign))) return [];
  const keys = sources.map((source) => quarantineKey(campaign, undefined, source));
  return (await loadMany(store, 'quarantine', keys)).map((entry) => entry?.value);
}

/** Which pairs are listed. One short read when nothing is quarantined. */
export async function quarantined(store: Store, campaign: string, pairs: readonly Pair[]): Promise<ReadonlySet<Pair>> {
  if (!(await anyIn(store, campaign))) return new Set();
  const keys = pairs.map(({ keys: { S, T } }) => quarantineKey(campaign, T.root, S));
  const listed = await loadMany(store, 'quarantine', keys);
  return new Set(pairs.filter((_, i) => listed[i] !== undefined));
}

export const isAskedFor = ({ code, key }: Which, entry: QuarantineDocument): boolean =>
  (code === undefined || entry.code === code) && (key === undefined || entry.key === key);

type Skips = Pick<CampaignDocument, 'skips'>;

/** An operator has said that it may stay where it is. */
export const isSkipped = ({ skips = [] }: Skips, entry: QuarantineDocument): boolean =>
  skips.some((which) => isAskedFor(which, entry));

/** Who wants all of them tried again does not mean those that he has skipped. */
export const isRetried = (which: Which, entry: QuarantineDocument, campaign: Skips): boolean =>
  isAskedFor(which, entry) && (which.key !== undefined || which.code !== undefined || !isSkipped(campaign, entry));

type Leaving = Pick<CampaignDocument, 'stage' | 'leaveQuarantined' | 'skips'>;

/**
 * Whether it stays in the old home when the campaign completes. Before that nothing is left behind, and a campaign that
 * is cancelled leaves nothing: a record that could not be brought home would be in a home that nobody reads any more.
 */
export const isLeftBehind = (campaign: Leaving, entry: QuarantineDocument): boolean =>
  isCompleting(campaign) && (campaign.leaveQuarantined === true || isSkipped(campaign, entry));

const isCompleting = ({ stage }: Leaving): boolean => stage === 'completing' || stage === 'completed';

const leavesAny = (campaign: Leaving): boolean =>
  isCompleting(campaign) && (campaign.leaveQuarantined === true || campaign.skips !== undefined);

/** Whether anything of the campaign, or of one group of it, is quarantined. */
export async function anyIn(store: Store, campaign: string, group?: Key): Promise<boolean> {
  const range: KeyRange = { namespace: '', kind: KINDS.quarantine, root: documentKey('campaign', campaign) };
  const part = group ? entriesOf(campaign, group) : {};
  return (await store.scan({ ...range, ...part }, 1)).entities.length > 0;
}

const entriesOf = (campaign: string, group: Key) => ({
  after: documentKey('quarantine', campaign, nameOfKey(group)),
  until: documentKey('quarantine', campaign, nameOfKey(group), '\u{10FFFF}'),
});

/**
 * The groups that stay behind when a campaign completes: those of which a record does. As many keys as there are such
 * groups: the error budget bounds them, and what operators skip.
 */
export async function groupsHeldBack(
  store: Store,
  campaign: Leaving & Pick<CampaignDocument, 'id'>,
): Promise<ReadonlySet<string>> {
  const groups = new Set<string>();
  if (!leavesAny(campaign)) return groups;
  for await (const { value } of list(store, 'quarantine', campaign.id))
    if (value.group && isLeftBehind(campaign, value)) groups.add(value.group);
  return groups;
}

/** Whether a group is one of these. */
export async function isHeldBack(
  store: Store,
  campaign: Leaving & Pick<CampaignDocument, 'id' | 'quarantines'>,
  group: Key,
): Promise<boolean> {
  if (!campaign.quarantines || !leavesAny(campaign)) return false;
  for await (const { value } of list(store, 'quarantine', campaign.id, entriesOf(campaign.id, group)))
    if (isLeftBehind(campaign, value)) return true;
  return false;
}

/** How many of these, counted up to `enough`. */
export async function countQuarantined(
  store: Store,
  campaign: string,
  enough: number,
  counts: (entry: QuarantineDocument) => boolean,
): Promise<number> {
  let count = 0;
  for await (const { value } of list(store, 'quarantine', campaign)) if (counts(value) && ++count >= enough) break;
  return count;
}

/**
 * Takes entries off the list, so that the next sweep tries their records again. Returns how many. Throws `store.unknown`
 * while one may still be listed: a sweep that began now would go past it.
 */
export async function release(
  store: Store,
  campaign: string,
  wanted: (entry: QuarantineDocument) => Promise<boolean>,
  fence: Pick<Fence, 'check' | 'guard' | 'renew'>,
): Promise<number> {
  let released = 0;
  let part: Stored<'quarantine'>[] = [];
  const flush = async () => {
    await fence.renew();
    fence.check();
    const keys = (await erase(store, part, fence.guard)).map(({ key }) => key);
    if (keys.length > 0 && (await loadMany(store, 'quarantine', keys)).some((entry) => entry !== undefined))
      throw new HandoverError('store.unknown', `Whether ${keys[0]} is off the list.`);
    released += part.length;
    part = [];
  };
  for await (const entry of list(store, 'quarantine', campaign)) {
    if (await wanted(entry.value)) part.push(entry);
    if (part.length === LIMITS.pageSize) await flush();
  }
  await flush();
  return released;
}
