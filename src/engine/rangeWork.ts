import type { Move } from '../../machines/moves.ts';
import type { Clock } from '../clock.ts';
import type { Migration } from '../define/migration.ts';
import type { Key } from '../record/key.ts';
import type { Entity, Page, Store } from '../store/store.ts';
import { checkBudget } from './campaign.ts';
import { sweepName } from './campaigns.ts';
import type { Claim } from './claim.ts';
import { add, addAll, type Counts } from './counts.ts';
import { dropsOf } from './dropping.ts';
import { type CampaignLook, Fence, sameSweep, unlessFenced } from './fence.ts';
import { processFields } from './fieldPage.ts';
import { processGroup } from './group.ts';
import { type BecameWhole, tellWhole } from './groupHooks.ts';
import { gatedBy, groupsNoted, targetsOf } from './groupSubscriptions.ts';
import type { Item } from './item.ts';
import { type Pacer, turnsOf } from './pace.ts';
import { type PageOptions, processPage } from './page.ts';
import type { Pair } from './pair.ts';
import { groupsHeldBack } from './quarantine.ts';
import type { Planned } from './ranges.ts';
import { processReferences } from './referencePage.ts';
import type { CampaignDocument, QuarantineDocument } from './schemas.ts';
import { subscribingOf } from './subscribers.ts';
import type { Handling } from './subscription.ts';
import { processSubscriptions } from './subscriptionPage.ts';
import { firstField, firstReferring, remaining } from './sweep.ts';
import { targetAt, uniform } from './targets.ts';
import type { WorkerEvents } from './worker.ts';

/** One worker's way through one range of a sweep: page after page to its targets, with checkpoints in between. */
export interface RangeWork {
  readonly store: Store;
  readonly clock: Clock;
  readonly events: WorkerEvents;
  readonly worker: string;
  readonly migration: Migration;
  /** The look at the campaign before the range was claimed. */
  readonly look: CampaignLook;
  /** As it was planned: its document says how far it goes. */
  readonly range: Planned;
  readonly claim: Pick<Claim, 'range' | 'isDue' | 'checkpoint' | 'keep'>;
  /** What the sweep has counted at the old homes; all of it, once new homes are looked at. */
  readonly oldHomes: Counts;
  /** Generations in which the new homes turned out to be filled already. */
  readonly filled: Set<string>;
  /**
   * Groups that lanes of this worker are at just now, each under its sweep: two at one would only look twice. Resolves with
   * whether the group is done.
   */
  readonly groupsInHand: Map<string, Promise<boolean>>;
  readonly takeIn: Handling['takeIn'];
  readonly pacer: Pacer;
  /** Counts those who work on the sweep just now. */
  readonly workers: () => Promise<number>;
  /** Told after each page. */
  readonly onPage: () => void;
  /** Told when nothing of the range is left but records of hot groups: the lane may go on elsewhere meanwhile. */
  readonly onlyCooling: () => void;
  readonly signal: AbortSignal;
}

/** Resolves when the range is done, and its last checkpoint under way: see `Claim.settled`. */
export async function workOnRange(work: RangeWork): Promise<void> {
  const { store, clock, events, look, claim, pacer, signal } = work;
  const started = look.campaign.value;
  const turns = turnsOf(work);
  let { cursor } = claim.range;
  let counted: Counts = {};
  let cooling: readonly Item[] = [];
  const fencing = { store, clock, turns, still: (now: CampaignDocument) => sameSweep(now, started) };
  let known: Fence | undefined = Fence.by(look, fencing);
  let held = true;
  for (let more = true, done = false; !done && !signal.aborted; ) {
    const fence = known ?? (await Fence.look(started.id, fencing));
    known = undefined;
    if (!fence) return;
    pacer.follow(fence.campaign);
    // Records whose groups are hot go along with the pages that follow, and hold nobody up. Only when nothing else is left
    // they are waited for.
    const rest = { carried: cooling, leaveCooling: more && !signal.aborted };
    const { found, result } = await traced(work, async (): Promise<Turn> => {
      const found = more ? await unlessFenced(() => pageOf(work, fence, cursor)) : NOTHING;
      if (found === 'fenced') return { found: NOTHING, result: undefined };
      return { found, result: await unlessFenced(() => process(work, fence, found.entities, rest)) };
    });
    if (!result) continue;
    if (result === 'fenced') {
      // Some commits of the page may have been applied, and nobody counts them now; the page is begun anew.
      add(counted, 'doubtful');
      if (cooling.length > 0) add(counted, 'unresolved', cooling.length);
      cooling = [];
      continue;
    }
    await pauseOver(work, fence.campaign, result.newlyQuarantined);
    addAll(counted, result.counts);
    events.paged?.(started.id, result.counts.seen ?? 0);
    work.onPage();
    cooling = result.cooling;
    cursor = found.entities[found.entities.length - 1]?.key.toString() ?? cursor;
    more = found.more;
    done = !more && cooling.length === 0;
    if (!more && !done) work.onlyCooling();
    // A checkpoint says that all before it is done: it waits for what is carried along.
    if (!done && !signal.aborted && (!claim.isDue || cooling.length > 0)) continue;
    // The process is to end: the next sweep is for them.
    if (cooling.length > 0) add(counted, 'unresolved', cooling.length);
    const page = { cursor, done: !more, counts: counted };
    counted = {};
    held = more && !signal.aborted;
    if (!(await claim.checkpoint(page, !held))) return;
  }
  // The process is to end, and has not come to a page: others need not wait for its claim to run out.
  if (held) await claim.checkpoint({ cursor, done: false, counts: counted }, true);
}

interface Turn {
  readonly found: Page;
  /** Unset where the look at the campaign was too old even for the scan. */
  readonly result: PageOutcome | 'fenced' | undefined;
}

/** As one span, where somebody traces. */
function traced<R>({ events, look, range, worker }: RangeWork, act: () => Promise<R>): Promise<R> {
  if (!events.page) return act();
  const { value } = look.campaign;
  return events.page({ campaign: value.id, sweep: sweepName(value), home: range.home, worker }, act);
}

const NOTHING: Page = { entities: [], more: false };

/** The next page, when it is its turn. */
async function pageOf(work: RangeWork, fence: Fence, cursor: string | undefined): Promise<Page> {
  const { store, migration, range, pacer, signal } = work;
  await fence.renew();
  if (signal.aborted) return { entities: [], more: true };
  return store.scan(remaining(migration, fence.campaign.id, range, cursor, work.claim.range), pacer.pageSize);
}

async function pauseOver(
  { store, clock, events, migration, worker }: RangeWork,
  campaign: CampaignDocument,
  n: number,
) {
  if (n === 0) return;
  const paused = await checkBudget(store, clock, campaign, migration, worker);
  if (paused) events.paused?.(campaign.id, paused.because, { migration: campaign.migration, command: paused.command });
}

interface PageOutcome {
  readonly counts: Counts;
  readonly newlyQuarantined: number;
  readonly cooling: readonly Item[];
}

type Rest = Required<Pick<PageOptions, 'carried' | 'leaveCooling'>>;

function process(work: RangeWork, fence: Fence, entities: readonly Entity[], rest: Rest): Promise<PageOutcome> {
  const { migration, range } = work;
  if (range.refers) return processReferring(work, fence, entities);
  if (range.rule >= firstField(migration)) return processFieldPage(work, fence, entities);
  const subscribed = range.rule >= migration.records.length;
  if (migration.by === 'group' && range.home === 'T') {
    const roots = subscribed ? groupsNoted(entities) : entities.map(({ key }) => key.root);
    return processGroups(work, fence, roots);
  }
  if (subscribed) return processSubscribed(work, fence, entities);
  return processRecords(work, fence, entities, rest);
}

async function processSubscribed(work: RangeWork, fence: Fence, entities: readonly Entity[]): Promise<PageOutcome> {
  const { store, clock, worker, events, migration, range, takeIn } = work;
  const { campaign } = fence;
  const rule = migration.subscriptions[range.rule - migration.records.length]!;
  const options = { store, clock, worker, fence, migration, rule, ruleIndex: range.rule, campaign, takeIn };
  const result = await processSubscriptions(entities, {
    ...options,
    targetOf: migration.by === 'group' ? await gatedBy(store, campaign) : targetsOf(campaign),
    onQuarantined: (entry) => events.quarantined?.(entry),
  });
  return { ...result, cooling: [] };
}

async function processReferring(work: RangeWork, fence: Fence, entities: readonly Entity[]): Promise<PageOutcome> {
  const { migration, range, events } = work;
  const result = await processReferences(entities, {
    ...shared(work, fence),
    migration,
    referring: migration.references[range.rule - firstReferring(migration)]!,
    ruleIndex: range.rule,
    onRewritten: (count) => events.moved?.(fence.campaign.id, 'rewrite', count),
  });
  return { ...result, cooling: [] };
}

async function processFieldPage(work: RangeWork, fence: Fence, entities: readonly Entity[]): Promise<PageOutcome> {
  const { migration, range } = work;
  const result = await processFields(entities, {
    ...shared(work, fence),
    rule: migration.fields[range.rule - firstField(migration)]!,
    ruleIndex: range.rule,
    targetOf: (key) => targetAt(fence.campaign.targets, key),
  });
  return { ...result, cooling: [] };
}

async function processRecords(
  work: RangeWork,
  fence: Fence,
  entities: readonly Entity[],
  rest: Rest,
): Promise<PageOutcome> {
  const { migration, range, filled } = work;
  const { campaign } = fence;
  const byGroup = migration.by === 'group';
  const heldBack = byGroup ? await groupsHeldBack(work.store, campaign) : undefined;
  const generation = `${campaign.id} ${campaign.generation}`;
  const result = await processPage(entities, {
    ...shared(work, fence),
    ...rest,
    rule: migration.records[range.rule]!,
    ruleIndex: range.rule,
    home: range.home,
    subscribing: subscribingOf(migration, range.rule),
    behindTo: heldBack && (({ keys }) => (heldBack.has(keys.T.root.toString()) ? 'home' : 'copied')),
    ...dropping(work, campaign),
    optimistic: mayBeEmpty(campaign) && !filled.has(generation),
    targetOf: (keys: Pair['keys']) => targetAt(campaign.targets, byGroup ? keys.T.root : keys.S),
  });
  if (result.missed * 10 > result.guessed) filled.add(generation);
  return result;
}

/** While sides are kept for what refers to them, what stands at T is not all there is of a record. */
function dropping({ migration }: RangeWork, campaign: CampaignDocument): Pick<PageOptions, 'drops' | 'allTo'> {
  const drops = dropsOf(campaign, migration);
  return { drops, allTo: drops === 'never' ? undefined : uniform(campaign.targets) };
}

/** New homes: no sweep has ended yet, or the last one found nine records in ten with nothing there. */
function mayBeEmpty({ lastSweep }: Fence['campaign']): boolean {
  const { seen = 0, 'S.atHome': atHome = 0 } = lastSweep?.counts ?? {};
  return atHome * 10 >= seen * 9;
}

async function processGroups(work: RangeWork, fence: Fence, groups: readonly Key[]): Promise<PageOutcome> {
  const { store, migration, pacer, groupsInHand } = work;
  const { campaign } = fence;
  // A subscription that waits is no sibling without a copy.
  const siblingsMissing = (work.oldHomes.unresolved ?? 0) > (work.oldHomes.waiting ?? 0);
  const pageSize = () => pacer.pageSize;
  const page = { ...shared(work, fence), ...dropping(work, campaign) };
  const context = { store, migration, campaign, siblingsMissing, pageSize, page };
  const counts: Counts = {};
  let newlyQuarantined = 0;
  const became: BecameWhole[] = [];
  const elsewhere: { readonly root: Key; readonly done: Promise<boolean> }[] = [];
  const bring = async (root: Key, patient: boolean) => {
    const name = `${campaign.id} ${sweepName(campaign)} ${root}`;
    const done = groupsInHand.get(name);
    if (done) {
      elsewhere.push({ root, done });
      return undefined;
    }
    const target = targetAt(campaign.targets, root);
    const working = processGroup(context, root, target, patient).finally(() => groupsInHand.delete(name));
    groupsInHand.set(
      name,
      working.then(
        (result) => !result?.cooling,
        () => false,
      ),
    );
    const result = await working;
    addAll(counts, result?.counts ?? {});
    newlyQuarantined += result?.newlyQuarantined ?? 0;
    if (result?.became) became.push(result.became);
    return result;
  };
  const roots = new Map(groups.map((root) => [root.toString(), root]));
  const hot: Key[] = [];
  for (const root of roots.values()) if ((await bring(root, false))?.cooling) hot.push(root);
  for (const root of hot) await bring(root, true);
  // This page is not done before they are: the lane that has one in hand may have lost its range to this very lane.
  for (let other = elsewhere.pop(); other; other = elsewhere.pop()) {
    if (!(await other.done)) await bring(other.root, true);
  }
  if (became.length > 0) addAll(counts, await tellWhole(work, fence, became));
  return { counts, newlyQuarantined, cooling: [] };
}

function shared({ store, clock, events, worker, pacer }: RangeWork, fence: Fence) {
  const { campaign } = fence;
  return {
    store,
    fence,
    pacer,
    actor: { campaign: campaign.id, worker, now: () => clock.now() },
    clock,
    campaign,
    onMoves: (type: Move['type'], count: number) => events.moved?.(campaign.id, type, count),
    onQuarantined: (entry: QuarantineDocument) => events.quarantined?.(entry),
  };
}
