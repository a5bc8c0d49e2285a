import { sweepName } from '../engine/campaigns.ts';
import { list } from '../engine/documents.ts';
import { isOver } from '../engine/hooksDue.ts';
import { isRetried } from '../engine/quarantine.ts';
import type { CampaignDocument, Retried, Which } from '../engine/schemas.ts';
import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { type CommandContext, change, record, refused } from './change.ts';
import { theCampaign } from './find.ts';
import { freeStuck, stuckRanges } from './stuck.ts';

/**
 * Tries quarantined records again: those with one cause, one by its old key, or all that are not skipped. Takes back a
 * `skip` of the same cause or key. Writes down what is asked for, with a new sweep; the worker that begins that sweep takes
 * the records off the list. Where there are none, and all were meant, the ranges of the sweep that are stuck go on where
 * they stand: a new sweep would have begun without them anyway. Returns how many of either.
 */
export async function retry(
  context: CommandContext,
  name: string,
  { reason, ...which }: Which & { readonly reason?: string } = {},
): Promise<{ readonly records: number; readonly ranges: number }> {
  const campaign = await theCampaign(context, name);
  if (campaign.closed || isOver(campaign)) throw refused(campaign, 'retry');
  const { id } = campaign;
  let records = 0;
  for await (const { value } of list(context.store, 'quarantine', id)) if (isRetried(which, value, campaign)) records++;
  const why = reason === undefined ? {} : { reason };
  if (records > 0 || campaign.skips?.some((skip) => isSame(skip, which))) {
    await retryAs(context, id, which, `retry ${records}`, { records, ...why });
    return { records, ranges: 0 };
  }
  const isAll = which.code === undefined && which.key === undefined;
  const stuck = isAll ? await stuckRanges(context, campaign) : [];
  if (stuck.length === 0) return { records, ranges: 0 };
  const what = `retry ${stuck.length} ${stuck.length === 1 ? 'range' : 'ranges'}`;
  // Written down before it is done: whoever dies in between has said so, and says it again.
  await change(context, id, (current) => ({ ...current, ...record(context, current, what, reason) }));
  return { records, ranges: await freeStuck(context, stuck) };
}

/** Has the next sweep take off the list what earlier ones have put there, and try it again. */
export async function retryAs(
  context: CommandContext,
  id: string,
  asked: Asked,
  what: string,
  { reason, records }: { readonly reason?: string; readonly records?: number } = {},
): Promise<void> {
  await change(context, id, (current) => {
    // What waits for its last hook is not swept any more, and would not close.
    if (current.closed || isOver(current)) throw refused(current, 'retry');
    const { skips = [], ...next } = sweptAnew(current);
    const { generation, sweep, lastSweep } = next;
    // What was asked for before this may not have been begun; once a sweep that was to do it has ended, it was.
    const isOpen = (each: Retried) => !lastSweep || sweepName(lastSweep) < sweepName(each);
    const before = (current.retries ?? []).filter((each) => isOpen(each) && !isSame(each, asked));
    const retries = [...before, { ...asked, generation, sweep }];
    if (retries.length > LIMITS.retries)
      throw new HandoverError(
        'usage.invalid',
        `${LIMITS.retries} wait for a worker already; name others by their cause.`,
      );
    const kept = skips.filter((skip) => !isSame(skip, asked));
    return {
      ...next,
      ...(kept.length > 0 ? { skips: kept } : {}),
      retries,
      ...record(context, current, what, reason, records),
    };
  });
}

type Asked = Omit<Retried, 'generation' | 'sweep'>;

export const isSame = (one: Which, other: Which): boolean => one.code === other.code && one.key === other.key;

/** In a new sweep, of whichever is under way: what was proved of this generation is not proved any more. */
export function sweptAnew({ settledAt: _, ...current }: CampaignDocument): CampaignDocument {
  const lastSweep = current.lastSweep && { ...current.lastSweep, clean: false, inRow: 0 };
  return { ...current, ...(lastSweep ? { lastSweep } : {}), sweep: current.sweep + 1 };
}
