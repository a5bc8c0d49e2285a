import { list } from '../engine/documents.ts';
import { isAskedFor, nameOf } from '../engine/sweep.ts';
import { type CommandContext, change, record, refused } from './change.ts';
import { theCampaign } from './find.ts';

/**
 * Tries quarantined records again: all of them, those with one cause, or one by its old key. Returns how many. Writes
 * down what is asked for, with a new sweep; the worker that begins that sweep takes the records off the list.
 */
export async function retry(
  context: CommandContext,
  name: string,
  { reason, ...which }: { readonly code?: string; readonly key?: string; readonly reason?: string } = {},
): Promise<number> {
  const campaign = await theCampaign(context, name);
  if (campaign.closed) throw refused(campaign, 'retry');
  const { id } = campaign;
  let count = 0;
  for await (const { value } of list(context.store, 'quarantine', id)) if (isAskedFor(which, value)) count++;
  if (count === 0) return 0;
  await retryAs(context, id, [which], `retry ${count}`, {
    records: count,
    ...(reason === undefined ? {} : { reason }),
  });
  return count;
}

/** Has the next sweep take off the list what earlier ones have put there, and try it again. */
export async function retryAs(
  context: CommandContext,
  id: string,
  asked: readonly { readonly code?: string; readonly key?: string }[],
  what: string,
  { reason, records }: { readonly reason?: string; readonly records?: number } = {},
): Promise<void> {
  await change(context, id, (current) => {
    if (current.closed) throw refused(current, 'retry');
    const { settledAt: _, generation, ...unsettled } = current;
    const sweep = current.sweep + 1;
    // What an earlier `retry` asked for may not have been begun yet.
    const before = current.retry && nameOf(current.retry) === nameOf(current) ? current.retry.which : [];
    const retry = { generation, sweep, which: [...before, ...asked] };
    // What is tried again may move: nothing is proved of this generation any more.
    const lastSweep = current.lastSweep && { ...current.lastSweep, clean: false, inRow: 0 };
    return {
      ...unsettled,
      ...(lastSweep ? { lastSweep } : {}),
      generation,
      sweep,
      retry,
      ...record(context, current, what, reason, records),
    };
  });
}
