import type { CampaignStatus } from '../admin/inspect.ts';
import { many, moment } from './format.ts';

/** For `status`: the hook that the campaign waits for, and those of its groups. */
export function hookText({ hook: due, groupHooks = 0 }: CampaignStatus): string | undefined {
  const groups = groupHooks === 0 ? [] : [`onGroupWhole due for ${many(groupHooks, 'group')}`];
  if (!due) return groups[0];
  const { hook, state, attempt, cause, nextAt } = due;
  const so = state === 'due' ? ' is due' : state === 'done' ? ' is done' : ` ${state}, attempt ${attempt}`;
  const next = nextAt === undefined ? '' : `; next attempt ${moment(nextAt)}`;
  return [`${hook}${so}${cause === undefined ? '' : `: ${cause}`}${next}`, ...groups].join(', ');
}
