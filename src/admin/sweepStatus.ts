import { isClean } from '../engine/campaign.ts';
import { load } from '../engine/documents.ts';
import { type Progress, planName, progressOf } from '../engine/ranges.ts';
import type { CampaignDocument, SweepDocument } from '../engine/schemas.ts';
import { sweepKey } from '../engine/sweep.ts';
import type { Capabilities } from '../store/store.ts';
import type { CommandContext } from './change.ts';
import type { SweepStatus } from './statusSchema.ts';

type Context = Pick<CommandContext, 'store' | 'migrations'>;

export const isByGroup = ({ migrations }: Context, { migration }: CampaignDocument): boolean =>
  migrations.some(({ name, by }) => name === migration && by === 'group');

export interface SweepLook {
  readonly sweep: SweepDocument;
  readonly progress: Progress;
}

/** Looks at the sweep's own documents, never at records: cheap enough to be asked several times a second. */
export async function lookAtSweep({ store }: Context, campaign: CampaignDocument): Promise<SweepLook | undefined> {
  const sweep = (await load(store, 'sweep', sweepKey(campaign)))?.value;
  return sweep && { sweep, progress: await progressOf(store, campaign, sweep) };
}

export function sweepStatus(
  context: Context,
  campaign: CampaignDocument,
  { sweep, progress }: Partial<SweepLook> = {},
): SweepStatus {
  const { store } = context;
  const { generation, settledAt, lastSweep, run, closed, stage } = campaign;
  // The documents of a sweep that is over are deleted; what it counted is in the campaign.
  const counts = progress?.counts ?? (settledAt === undefined ? {} : lastSweep?.counts) ?? {};
  const seen = counts['seen'] ?? 0;
  const expected =
    sweep && progress
      ? expectedIn(campaign, sweep, progress, {
          byGroup: isByGroup(context, campaign),
          capabilities: store.capabilities,
        })
      : undefined;
  return {
    generation,
    number: campaign.sweep,
    running: run === 'running' && !closed && settledAt === undefined && stage !== 'draft',
    share: settledAt !== undefined ? 1 : expected ? Math.min(1, seen / expected) : (progress?.share ?? 0),
    seen,
    ...(expected === undefined ? {} : { expected }),
    moved: counts['moved'] ?? 0,
    unresolved: counts['unresolved'] ?? 0,
    counts,
    ...(sweep ? { startedAt: sweep.startedAt } : {}),
  };
}

/** The ranges of one home were cut to equal sizes, so those that are done tell what the others will come to. */
export function expectedIn(
  campaign: CampaignDocument,
  { ranges }: SweepDocument,
  progress: Progress,
  { byGroup, capabilities }: { readonly byGroup: boolean; readonly capabilities: Capabilities },
): number | undefined {
  // What was cut off a range counts as a part of it still.
  const all = ranges.map((range, index) => {
    const parts = progress.ranges.filter(({ name }) => name.startsWith(planName(index)));
    const seen = parts.reduce((sum, { stored }) => sum + (stored?.value.counts['seen'] ?? 0), 0);
    return { ...range, seen, done: parts.every(({ stored }) => stored?.value.done) };
  });
  const done = all.filter((range) => range.done);
  const meanOf = (some: typeof all) => some.reduce((sum, { seen }) => sum + seen, 0) / some.length;
  // After a first look at the old homes that moved much, the new homes are left to the next sweep.
  const skips = campaign.sweep === 1 && !byGroup && !isClean(campaign, progress.counts, capabilities);
  let expected = 0;
  for (const range of all) {
    if (skips && range.home === 'T') continue;
    const like = done.filter(({ rule, home }) => rule === range.rule && home === range.home);
    const mean = meanOf(like.length > 0 ? like : done);
    // Nothing to judge by: what the sweep before saw, if it was one of these.
    if (!range.done && !(mean > 0) && like.length === 0) return seenBefore(campaign);
    expected += range.done ? range.seen : Math.max(range.seen, mean);
  }
  return Math.round(expected);
}

const seenBefore = ({ lastSweep, generation }: CampaignDocument): number | undefined =>
  lastSweep?.generation === generation ? lastSweep.counts.seen : undefined;
