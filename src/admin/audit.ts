import { z } from 'zod';
import { commandsOf, entriesOf } from '../engine/audit.ts';
import { numberedEntry } from '../engine/entrySchema.ts';
import { LIMITS } from '../limits.ts';
import type { Wire } from '../wire.ts';
import type { CommandContext } from './change.ts';
import { theCampaign } from './find.ts';

export const auditPageSchema = z
  .object({
    campaign: z.string(),
    commands: z.array(numberedEntry).meta({ description: 'In order: who, when, what, why, from where' }),
    next: z.number().exactOptional().meta({ description: 'Where the next page begins, if there is one: its `cursor`' }),
  })
  .meta({ id: 'AuditPage', description: 'A page of the audit trail' });

export type AuditPage = Wire<typeof auditPageSchema>;

/** A page of a campaign's audit trail, from the command with the number `after`, or from the first. */
export async function audit(
  context: Pick<CommandContext, 'store'>,
  name: string,
  { after = 0, limit = LIMITS.samples }: { readonly after?: number; readonly limit?: number } = {},
): Promise<AuditPage> {
  const campaign = await theCampaign(context, name);
  const all = commandsOf(campaign);
  const until = Math.min(all, after + limit);
  const commands = await entriesOf(context.store, campaign, after, until);
  return { campaign: campaign.id, commands, ...(until < all ? { next: until } : {}) };
}
