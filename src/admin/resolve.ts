import { list } from '../engine/documents.ts';
import { isAskedFor } from '../engine/quarantine.ts';
import { isChoice } from '../engine/retried.ts';
import { HandoverError } from '../errors.ts';
import { type CommandContext, refused } from './change.ts';
import { theCampaign } from './find.ts';
import { retryAs } from './retry.ts';

export interface ResolveOptions {
  /** The home whose entity is to be the record from now on. */
  readonly keep: 'old' | 'new';
  /** One record, by its old key. */
  readonly key?: string;
  /** All that are listed with this cause. */
  readonly code?: string;
  readonly reason?: string;
}

/**
 * Chooses for quarantined records that two entities claim, and has them tried again. Writes down the choice, with a new
 * sweep; the worker that begins that sweep carries it out, and keeps what is given up under the campaign. Returns how many
 * it is about now. Throws `record.whole` where there is nothing to choose.
 */
export async function resolve(context: CommandContext, name: string, options: ResolveOptions): Promise<number> {
  const { keep, reason, key, code } = options;
  if ((key === undefined) === (code === undefined))
    throw new HandoverError('usage.invalid', 'Say --key or --code, one of them.');
  const campaign = await theCampaign(context, name);
  if (campaign.closed) throw refused(campaign, 'resolve');
  const which = { ...(key === undefined ? {} : { key }), ...(code === undefined ? {} : { code }) };
  let count = 0;
  for await (const { value } of list(context.store, 'quarantine', campaign.id))
    if (isAskedFor(which, value) && isChoice(value)) count++;
  if (count === 0) throw new HandoverError('record.whole', `Of ${key ?? code} there is none.`);
  await retryAs(context, campaign.id, { ...which, keep }, `resolve ${key ?? code} keep ${keep}`, {
    records: count,
    ...(reason === undefined ? {} : { reason }),
  });
  return count;
}
