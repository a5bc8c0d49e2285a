import type { GroupEffect } from '../../machines/moves.ts';
import { LIMITS } from '../limits.ts';
import type { Key } from '../record/key.ts';
import { type Counts, waitFor } from './counts.ts';
import { type Stored, save } from './documents.ts';
import { type Fence, sameSweep } from './fence.ts';
import { carryOut, type HookHand } from './hooks.ts';
import type { CampaignDocument, GroupDocument } from './schemas.ts';

/**
 * `onGroupWhole`: the group's document says that it is due, in the very write that says that the group is whole; so it is
 * called by whoever wrote that, or by the next sweep that passes the group. As long as it is due the sweep proves nothing,
 * and so the campaign comes to no rest.
 */
export interface BecameWhole {
  readonly root: Key;
  readonly group: Stored<'group'>;
  /** What its document is to say of the sweep once it is done. */
  readonly sweep: number;
}

/** What is due of a group that has made a step: nothing any more where it is not whole. */
export function wholeAfter(
  before: GroupDocument['whole'],
  state: GroupDocument['state'],
  effects: readonly GroupEffect[],
): GroupDocument['whole'] {
  if (effects.some(({ type }) => type === 'declareWhole')) return { times: (before?.times ?? 0) + 1, due: true };
  return before && state !== 'whole' ? { ...before, due: false } : before;
}

/** Counts what still waits. */
export async function tellWhole(
  work: Omit<HookHand, 'campaign' | 'guard' | 'still'>,
  { campaign, guard }: Pick<Fence, 'campaign' | 'guard'>,
  groups: readonly BecameWhole[],
): Promise<Counts> {
  const hand = { ...work, campaign, guard, still: (now: CampaignDocument) => sameSweep(now, campaign) };
  const counts: Counts = {};
  const left = [...groups];
  const lane = async () => {
    for (let next = left.shift(); next; next = left.shift()) if (!(await isTold(hand, next))) waitFor(counts, 1);
  };
  await Promise.all(Array.from({ length: Math.min(LIMITS.hooksAtOnce, groups.length) }, lane));
  return counts;
}

async function isTold(hand: HookHand, { root, group, sweep }: BecameWhole): Promise<boolean> {
  const { times } = group.value.whole!;
  const idempotencyKey = `${hand.campaign.id}.${root}.whole.${times}`;
  if ((await carryOut(hand, { hook: 'onGroupWhole', idempotencyKey, group: root })) !== 'done') return false;
  const value = { ...group.value, sweep, whole: { times, due: false } };
  // Lost, it is due still, and whoever comes next finds that it was done.
  return (await save<'group'>(hand.store, group.key, value, group.version)).status === 'applied';
}
