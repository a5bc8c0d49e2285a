import { commandsOf } from '../../engine/audit.ts';
import type { CampaignDocument } from '../../engine/schemas.ts';

/** What people are told of, as docs/monitoring.md lists it. */
export const HAPPENINGS = ['campaign.paused', 'gate.opened', 'quarantine.exceeded'] as const;

/** One of them. The id says which event of which campaign it is, whoever finds it. */
export interface Happening {
  readonly id: string;
  readonly type: (typeof HAPPENINGS)[number];
  readonly at: number;
  readonly data: Readonly<Record<string, string | number>>;
}

export interface Looked {
  readonly campaign: CampaignDocument;
  /** Counted up to one more than the budget; unset where its definition is not here. */
  readonly quarantine: { readonly count: number; readonly budget: number } | undefined;
  readonly now: number;
}

/**
 * Found in what is stored, not in what is going on: so nothing is missed when nobody looks, and everybody finds the same. A
 * campaign may pause itself several times, each with an entry of its own; its quarantine is over its budget until a command
 * lets it shrink, and its gate opens once. A gate that was opened by a command, or gone through since, is no news.
 */
export function happeningsOf({ campaign, quarantine, now }: Looked): Happening[] {
  const { id, migration, generation, stage, closed, settledAt } = campaign;
  const about = { campaign: id, migration };
  const found = pausesOf(campaign);
  if (closed) return found;
  if (quarantine && quarantine.count > quarantine.budget) {
    const data = { ...about, generation, budget: quarantine.budget };
    found.push({ id: `${id}_quarantine.exceeded_${shrunkBy(campaign)}`, type: 'quarantine.exceeded', at: now, data });
  }
  const byCommand = campaign.history.some(({ what }) => what.startsWith('start.'));
  if (campaign.switchGateOpen && !byCommand && (stage === 'copying' || stage === 'copied')) {
    found.push({ id: `${id}_gate.opened`, type: 'gate.opened', at: settledAt ?? now, data: { ...about, generation } });
  }
  return found;
}

/** The number of the newest command that may have made fewer records quarantined; -1: none. Else there are only more. */
function shrunkBy(campaign: CampaignDocument): number {
  const { history } = campaign;
  const at = history.findLastIndex(({ what }) => /^(retry|skip|resolve)\b/.test(what));
  return at < 0 ? -1 : commandsOf(campaign) - history.length + at;
}

function pausesOf(campaign: CampaignDocument): Happening[] {
  const { id, migration, history } = campaign;
  const first = commandsOf(campaign) - history.length;
  return history.flatMap(({ what, from, reason = '', at }, i): Happening[] => {
    if (what !== 'pause' || from?.way !== 'worker') return [];
    const data = { campaign: id, migration, because: reason, command: first + i };
    return [{ id: `${id}_campaign.paused_${first + i}`, type: 'campaign.paused', at, data }];
  });
}
