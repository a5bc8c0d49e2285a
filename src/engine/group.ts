import type { GroupEvent } from '../../machines/group.ts';
import type { Target } from '../../machines/moves.ts';
import type { Migration } from '../define/migration.ts';
import { LIMITS } from '../limits.ts';
import type { Key } from '../record/key.ts';
import type { KeyRange, Store } from '../store/store.ts';
import { add, addAll, type Counts } from './counts.ts';
import { groupStep } from './decide.ts';
import { type CampaignDocument, documentKey, load, save } from './documents.ts';
import { type PageOptions, processPage } from './page.ts';
import { anyIn } from './quarantine.ts';
import { homeRange } from './sweep.ts';

/**
 * Moves one group as one: nothing in it switches before every member is copied and clean. Members are paged, so a group
 * may be larger than memory. This runs when the sweep of the old homes is done: a sibling that was there before has a
 * shadow here by now, or is quarantined; one inserted since is behind, and the next sweep withdraws `whole` for it.
 */
export interface GroupContext {
  readonly store: Store;
  readonly migration: Migration;
  readonly campaign: CampaignDocument;
  readonly page: Pick<PageOptions, 'store' | 'actor' | 'fence' | 'sweep' | 'onMoves' | 'onQuarantined'>;
  /** Whether the old homes' pass of this sweep left a record unresolved: then a sibling may have no copy yet. */
  readonly siblingsMissing: boolean;
}

export interface GroupResult {
  readonly counts: Counts;
  readonly newlyQuarantined: number;
}

/** Brings the group of `root` nearer to its target, once a sweep. Undefined when this sweep did so already. */
export async function processGroup(context: GroupContext, root: Key, target: Target): Promise<GroupResult | undefined> {
  const { store, campaign } = context;
  const key = documentKey('group', campaign.id, root.toString());
  const stored = await load(store, 'group', key);
  const { generation, sweep } = campaign;
  if (stored?.value.generation === generation && stored.value.sweep === sweep) return undefined;

  const away = target === 'switched' || target === 'completed';
  const held = campaign.leaveQuarantined && (await anyIn(store, campaign.id, root));
  let result = await passOver(context, root, target, away ? (held ? 'home' : 'copied') : undefined);
  let event: GroupEvent['type'] = 'members.behind';
  const ready = result.allRest && !context.siblingsMissing && !(await anyIn(store, campaign.id, root));
  if (away && ready) {
    const gathered = result;
    result = await passOver(context, root, target, undefined);
    event = result.allRest && result.allAway ? 'members.arrived' : 'members.ready';
    for (const name of ['moved', 'doubtful']) add(result.counts, name, gathered.counts[name] ?? 0);
  }
  const before = stored?.value.state ?? 'gathering';
  // Whoever has arrived was ready on the way: a group that was gathering passes through `moving`.
  const passed =
    before === 'gathering' && event === 'members.arrived' ? groupStep(before, 'members.ready')!.next : before;
  const state = groupStep(passed, event)?.next ?? passed;
  // Lost to another worker: it looked at the same members, and the next sweep looks again.
  // Only what rests is done for this sweep: what does not must be counted again by whoever comes after a crash here.
  const done = (result.counts.unresolved ?? 0) > 0 ? 0 : sweep;
  await save<'group'>(store, key, { v: 1, state, members: result.members, generation, sweep: done }, stored?.version);
  return result;
}

interface Pass extends GroupResult {
  readonly members: number;
  readonly allRest: boolean;
  readonly allAway: boolean;
}

/** Pages through all members. `behindTo`: where those go that have not switched, if not to the target. */
async function passOver(context: GroupContext, root: Key, target: Target, behindTo: Target | undefined): Promise<Pass> {
  const { store, migration, page } = context;
  const counts: Counts = {};
  let newlyQuarantined = 0;
  let away = 0;
  for (const [ruleIndex, rule] of migration.records.entries()) {
    if (rule.into[0] !== root.path[0]!.kind) continue;
    let range: KeyRange = { ...homeRange(migration, ruleIndex, 'T'), root };
    for (let more = true; more; ) {
      const found = await store.scan(range, LIMITS.pageSize);
      const options = {
        ...page,
        rule,
        ruleIndex,
        home: 'T' as const,
        behindTo: behindTo && (() => behindTo),
        allTo: target,
        optimistic: false,
        targetOf: () => target,
      };
      const result = await processPage(found.entities, options);
      addAll(counts, result.counts);
      newlyQuarantined += result.newlyQuarantined;
      away += result.away;
      more = found.more;
      const last = found.entities[found.entities.length - 1];
      if (last) range = { ...range, after: last.key };
    }
  }
  const members = counts.seen ?? 0;
  const behind = (counts.unresolved ?? 0) + (counts.quarantined ?? 0);
  return { counts, newlyQuarantined, members, allRest: behind === 0, allAway: away === members };
}
