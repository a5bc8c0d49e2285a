import type { GroupEvent } from '../../machines/group.ts';
import type { Target } from '../../machines/moves.ts';
import type { Migration } from '../define/migration.ts';
import type { Key } from '../record/key.ts';
import type { KeyRange, Store } from '../store/store.ts';
import { add, addAll, type Counts, waitFor } from './counts.ts';
import { groupStep } from './decide.ts';
import { documentKey, load, save } from './documents.ts';
import { type BecameWhole, wholeAfter } from './groupHooks.ts';
import { subscriptionsIn } from './groupSubscriptions.ts';
import { type PageOptions, processPage } from './page.ts';
import { anyIn, isHeldBack } from './quarantine.ts';
import type { CampaignDocument } from './schemas.ts';
import { homeRange } from './sweep.ts';

/**
 * Moves one group as one: no record in it switches before every one is copied and clean, and no old callback URL is given
 * up before that, and before every new one is proven. Members are paged, so a group
 * may be larger than memory. This runs when the sweep of the old homes is done: a sibling that was there before has a
 * shadow here by now, or is quarantined; one inserted since is behind, and the next sweep withdraws `whole` for it.
 */
export interface GroupContext {
  readonly store: Store;
  readonly migration: Migration;
  readonly campaign: CampaignDocument;
  readonly page: Pick<
    PageOptions,
    'store' | 'clock' | 'actor' | 'fence' | 'pacer' | 'campaign' | 'drops' | 'onMoves' | 'onQuarantined'
  >;
  /** Records a page. */
  readonly pageSize: () => number;
  /** Whether the old homes' pass of this sweep left a record unresolved: then a sibling may have no copy yet. */
  readonly siblingsMissing: boolean;
}

export interface GroupResult {
  readonly counts: Counts;
  readonly newlyQuarantined: number;
  /** It was left, as others write in it just now: try it once more when the other groups are done. */
  readonly cooling?: boolean;
  /** Somebody is to be told that it is whole. */
  readonly became?: BecameWhole;
}

/**
 * Brings the group of `root` nearer to its target, once a sweep. Undefined when this sweep did so already. `patient`:
 * waits where others write in the group just now.
 */
export async function processGroup(
  context: GroupContext,
  root: Key,
  target: Target,
  patient: boolean,
): Promise<GroupResult | undefined> {
  const { store, campaign } = context;
  const key = documentKey('group', campaign.id, root.toString());
  const stored = await load(store, 'group', key);
  const { generation, sweep } = campaign;
  if (stored?.value.generation === generation && stored.value.sweep === sweep) return undefined;

  const away = target === 'switched' || target === 'completed';
  const isQuarantined = async () => campaign.quarantines === true && anyIn(store, campaign.id, root);
  const held = await isHeldBack(store, campaign, root);
  const aim = { target, patient };
  let result = await passOver(context, root, { ...aim, behindTo: away ? (held ? 'home' : 'copied') : undefined });
  if (result.cooling) return leftCooling(result);
  let event: GroupEvent['type'] = 'members.behind';
  const ready = result.allRest && !context.siblingsMissing && !(await isQuarantined());
  if (away && ready) {
    // Where all have arrived nobody is left to switch.
    if (!result.allAway) {
      const gathered = result;
      result = await passOver(context, root, aim);
      addMoves(result.counts, gathered.counts);
      if (result.cooling) return leftCooling(result);
    }
    event = result.allRest && result.allAway ? 'members.arrived' : 'members.ready';
  }
  const subscriptions = await subscriptionsIn(context, root, target);
  if (event === 'members.arrived' && subscriptions.arrived < subscriptions.count) event = 'records.arrived';
  // They may go on from now on: the next sweep sees to it.
  if (event !== 'members.behind' && subscriptions.ready) waitFor(result.counts, subscriptions.onTheWay);
  const before = stored?.value.state ?? 'gathering';
  // Whoever has arrived was ready on the way: a group that was gathering passes through `moving`.
  const passed =
    before === 'gathering' && event.endsWith('.arrived') ? groupStep(before, 'members.ready')!.next : before;
  const step = groupStep(passed, event);
  const state = step?.next ?? passed;
  const hooked = context.migration.hooks.onGroupWhole !== undefined;
  const whole = wholeAfter(stored?.value.whole, state, hooked ? (step?.effects ?? []) : []);
  // Lost to another worker: it looked at the same members, and the next sweep looks again.
  // Only what rests is done for this sweep: what does not must be counted again by whoever comes after a crash here.
  const done = (result.counts.unresolved ?? 0) > 0 ? 0 : sweep;
  const { count, ready: proven } = subscriptions;
  const seen = count === 0 ? {} : { subscriptions: { count, ready: proven } };
  const value = { v: 1 as const, state, members: result.members, generation, sweep: whole?.due ? 0 : done, ...seen };
  const group = { ...value, ...(whole ? { whole } : {}) };
  const saved = await save<'group'>(store, key, group, stored?.version);
  if (!whole?.due) return result;
  if (saved.status === 'applied')
    return { ...result, became: { root, sweep: done, group: { key, value: group, version: saved.version } } };
  waitFor(result.counts, 1);
  return result;
}

interface Pass extends GroupResult {
  readonly members: number;
  readonly allRest: boolean;
  readonly allAway: boolean;
}

/** What it did is counted now, and all members when they are gone through again. */
function leftCooling({ counts: all, newlyQuarantined }: Pass): GroupResult {
  const counts: Counts = {};
  addMoves(counts, all);
  return { counts, newlyQuarantined, cooling: true };
}

function addMoves(into: Counts, counts: Counts): void {
  for (const name of ['moved', 'doubtful']) if (counts[name]) add(into, name, counts[name]);
}

interface Aim {
  readonly target: Target;
  /** Where those go that have not switched, if not to the target. */
  readonly behindTo?: Target | undefined;
  readonly patient: boolean;
}

/** Pages through all members. */
async function passOver(context: GroupContext, root: Key, { target, behindTo, patient }: Aim): Promise<Pass> {
  const { store, migration, page } = context;
  const counts: Counts = {};
  let newlyQuarantined = 0;
  let away = 0;
  for (const [ruleIndex, rule] of migration.records.entries()) {
    if (rule.into[0] !== root.path[0]!.kind) continue;
    let range: KeyRange = { ...homeRange(migration, ruleIndex, 'T'), root };
    for (let more = true; more; ) {
      await page.fence.renew();
      const found = await store.scan(range, context.pageSize());
      const options = {
        ...page,
        rule,
        ruleIndex,
        home: 'T' as const,
        behindTo: behindTo && (() => behindTo),
        allTo: page.drops === 'never' ? undefined : target,
        optimistic: false,
        leaveCooling: !patient,
        targetOf: () => target,
      };
      const result = await processPage(found.entities, options);
      addAll(counts, result.counts);
      newlyQuarantined += result.newlyQuarantined;
      away += result.away;
      if (result.cooling.length > 0)
        return { counts, newlyQuarantined, members: 0, allRest: false, allAway: false, cooling: true };
      more = found.more;
      const last = found.entities[found.entities.length - 1];
      if (last) range = { ...range, after: last.key };
    }
  }
  const members = counts.seen ?? 0;
  const behind = (counts.unresolved ?? 0) + (counts.quarantined ?? 0);
  return { counts, newlyQuarantined, members, allRest: behind === 0, allAway: away === members };
}
