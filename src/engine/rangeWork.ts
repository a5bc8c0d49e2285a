import type { Move } from '../../machines/moves.ts';
import type { Clock } from '../clock.ts';
import type { Migration } from '../define/migration.ts';
import { LIMITS } from '../limits.ts';
import type { Entity, Store } from '../store/store.ts';
import { checkBudget } from './campaign.ts';
import type { Claim } from './claim.ts';
import { add, addAll, type Counts } from './counts.ts';
import type { CampaignDocument, QuarantineDocument, RangeDocument, SweepDocument } from './documents.ts';
import { Fence, Fenced, sameSweep } from './fence.ts';
import { processGroup } from './group.ts';
import { processPage } from './page.ts';
import type { Pair } from './pair.ts';
import { groupsHeldBack } from './quarantine.ts';
import { remaining } from './sweep.ts';
import { targetAt, uniform } from './targets.ts';
import type { WorkerEvents } from './worker.ts';

/** One worker's way through one range of a sweep: page after page to its targets, with checkpoints in between. */
export interface RangeWork {
  readonly store: Store;
  readonly clock: Clock;
  readonly events: WorkerEvents;
  readonly worker: string;
  readonly migration: Migration;
  /** The campaign as it was when the range was claimed. */
  readonly started: CampaignDocument;
  readonly range: SweepDocument['ranges'][number];
  readonly claimed: RangeDocument;
  readonly claim: Claim;
  /** What the sweep has counted at the old homes; all of it, once new homes are looked at. */
  readonly oldHomes: Counts;
  /** Generations in which the new homes turned out to be filled already. */
  readonly filled: Set<string>;
  readonly signal: AbortSignal;
}

export async function workOnRange(work: RangeWork): Promise<void> {
  const { store, clock, events, migration, started, range, claim, signal } = work;
  let { cursor } = work.claimed;
  let counted: Counts = {};
  for (let more = true; more && !signal.aborted; ) {
    const still = (now: CampaignDocument) => sameSweep(now, started);
    const fence = await Fence.look(started.id, { store, clock, still, alive: () => claim.keep() });
    if (!fence) break;
    const found = await store.scan(remaining(migration, range, cursor), LIMITS.pageSize);
    const result = await process(work, fence, found.entities);
    if (result === 'fenced') {
      // Some commits of the page may have been applied, and nobody counts them now; the page is begun anew.
      add(counted, 'doubtful');
      continue;
    }
    await pauseOver(work, fence.campaign, result.newlyQuarantined);
    addAll(counted, result.counts);
    events.paged?.(started.id, result.counts.seen ?? 0);
    cursor = found.entities[found.entities.length - 1]?.key.toString() ?? cursor;
    more = found.more;
    if (more && !signal.aborted && !claim.isDue) continue;
    const page = { cursor, done: !more, counts: counted };
    counted = {};
    if (!(await claim.checkpoint(page, !more || signal.aborted))) return;
  }
  await claim.settled();
}

async function pauseOver(
  { store, clock, events, migration, worker }: RangeWork,
  campaign: CampaignDocument,
  n: number,
) {
  if (n === 0) return;
  const because = await checkBudget(store, clock, campaign, migration, worker);
  if (because !== undefined) events.paused?.(campaign.id, because);
}

interface PageOutcome {
  readonly counts: Counts;
  readonly newlyQuarantined: number;
}

async function process(work: RangeWork, fence: Fence, entities: readonly Entity[]): Promise<PageOutcome | 'fenced'> {
  const { migration, range } = work;
  try {
    if (migration.by === 'group' && range.home === 'T') return await processGroups(work, fence, entities);
    return await processRecords(work, fence, entities);
  } catch (error) {
    if (error instanceof Fenced) return 'fenced';
    throw error;
  }
}

async function processRecords(work: RangeWork, fence: Fence, entities: readonly Entity[]): Promise<PageOutcome> {
  const { migration, range, filled } = work;
  const { campaign } = fence;
  const byGroup = migration.by === 'group';
  const heldBack = byGroup ? await groupsHeldBack(work.store, campaign) : undefined;
  const generation = `${campaign.id} ${campaign.generation}`;
  const result = await processPage(entities, {
    ...shared(work, fence),
    rule: migration.records[range.rule]!,
    ruleIndex: range.rule,
    home: range.home,
    behindTo: heldBack && (({ T }: Pair['keys']) => (heldBack.has(T.root.toString()) ? 'home' : 'copied')),
    allTo: uniform(campaign.targets),
    optimistic: !filled.has(generation),
    targetOf: (keys: Pair['keys']) => targetAt(campaign.targets, byGroup ? keys.T.root : keys.S),
  });
  if (result.missed * 10 > result.guessed) filled.add(generation);
  return result;
}

async function processGroups(work: RangeWork, fence: Fence, entities: readonly Entity[]): Promise<PageOutcome> {
  const { store, migration } = work;
  const { campaign } = fence;
  const siblingsMissing = (work.oldHomes.unresolved ?? 0) > 0;
  const context = { store, migration, campaign, siblingsMissing, page: shared(work, fence) };
  const counts: Counts = {};
  let newlyQuarantined = 0;
  const roots = new Map(entities.map(({ key }) => [key.root.toString(), key.root]));
  for (const root of roots.values()) {
    const result = await processGroup(context, root, targetAt(campaign.targets, root));
    addAll(counts, result?.counts ?? {});
    newlyQuarantined += result?.newlyQuarantined ?? 0;
  }
  return { counts, newlyQuarantined };
}

function shared({ store, clock, events, worker }: RangeWork, fence: Fence) {
  const { campaign } = fence;
  return {
    store,
    fence,
    actor: { campaign: campaign.id, worker, now: () => clock.now() },
    sweep: campaign,
    onMoves: (type: Move['type'], count: number) => events.moved?.(campaign.id, type, count),
    onQuarantined: (entry: QuarantineDocument) => events.quarantined?.(entry),
  };
}
