import { attempts, load, save } from '../engine/documents.ts';
import { isStuck, openRanges } from '../engine/openRanges.ts';
import { endOf, type RangeLook } from '../engine/ranges.ts';
import type { CampaignDocument } from '../engine/schemas.ts';
import type { CommandContext } from './change.ts';
import type { StuckRange } from './statusSchema.ts';
import { lookAtSweep, type SweepLook } from './sweepStatus.ts';

type Context = Pick<CommandContext, 'store' | 'migrations' | 'clock'>;

const rangesIn = (look: SweepLook | undefined, now: number) =>
  (look?.progress.ranges ?? []).filter(({ stored }) => stored && isStuck(stored.value, now));

/** The ranges of the sweep under way that were set aside. */
export async function stuckRanges(context: Context, campaign: CampaignDocument): Promise<readonly RangeLook[]> {
  return rangesIn(await lookAtSweep(context, campaign), context.clock.now());
}

/** The same for people to read: where each of them stands. */
export function stuckIn({ clock }: Pick<Context, 'clock'>, look: SweepLook | undefined): readonly StuckRange[] {
  return rangesIn(look, clock.now()).map(({ name: range, plan, stored }) => {
    const { cursor: after = plan.after, tries = 0, asideAt } = stored!.value;
    const until = endOf(plan, stored!.value);
    return {
      range,
      home: plan.home,
      ...(after === undefined ? {} : { after }),
      ...(until === undefined ? {} : { until }),
      tries,
      ...(asideAt === undefined ? {} : { at: asideAt }),
    };
  });
}

/** Whether all that is left to do just now is stuck: then no worker brings the campaign on. */
export async function isHeldUp(context: Context, campaign: CampaignDocument): Promise<boolean> {
  const look = await lookAtSweep(context, campaign);
  const open = look ? openRanges(look.progress) : [];
  return open.length > 0 && open.every(({ stored }) => stored && isStuck(stored.value, context.clock.now()));
}

/** Lets workers try them again. Returns how many. */
export async function freeStuck({ store, clock }: Context, stuck: readonly RangeLook[]): Promise<number> {
  let freed = 0;
  for (const { stored } of stuck) {
    const { key } = stored!;
    freed += await attempts(clock, key, undefined, async () => {
      const now = await load(store, 'range', key);
      if (!now || !isStuck(now.value, clock.now())) return { done: 0 };
      const { tries: _, asideAt: __, ...value } = now.value;
      const saved = await save<'range'>(store, key, value, now.version);
      return saved.status === 'applied' ? { done: 1 } : saved;
    });
  }
  return freed;
}
