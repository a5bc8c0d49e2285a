import { list } from '../engine/documents.ts';
import { isAskedFor } from '../engine/quarantine.ts';
import type { Which } from '../engine/schemas.ts';
import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { type CommandContext, change, record, refused } from './change.ts';
import { theCampaign } from './find.ts';
import { isSame, sweptAnew } from './retry.ts';

/**
 * Says of quarantined records that they may stay in the old home: of one, by its old key, or of all with one cause, also
 * of those that are found later. They are not moved by it, and are listed and served as before; the error budget does not
 * count them, and `complete` does not wait for them. Returns how many are there now. `retry` of the same takes it back.
 */
export async function skip(
  context: CommandContext,
  name: string,
  { reason, ...which }: Which & { readonly reason?: string },
): Promise<number> {
  const { key, code } = which;
  if ((key === undefined) === (code === undefined))
    throw new HandoverError('usage.invalid', 'Say --key or --code, one of them.');
  const campaign = await theCampaign(context, name);
  if (campaign.closed) throw refused(campaign, 'skip');
  let count = 0;
  for await (const { value } of list(context.store, 'quarantine', campaign.id)) if (isAskedFor(which, value)) count++;
  if (count === 0) return 0;
  await change(context, campaign.id, (current) => {
    if (current.closed) throw refused(current, 'skip');
    const skips = [...(current.skips ?? []).filter((each) => !isSame(each, which)), which];
    if (skips.length > LIMITS.skips)
      throw new HandoverError('usage.invalid', `${LIMITS.skips} were skipped one by one; skip others by their cause.`);
    // What stays behind now took its group along a moment ago: only a sweep that begins after this may close over it.
    const next = current.stage === 'completing' ? sweptAnew(current) : current;
    return { ...next, skips, ...record(context, current, `skip ${key ?? code}`, reason, count) };
  });
  return count;
}
