import { commandsOf, entriesOf, type Numbered } from '../engine/audit.ts';
import { LIMITS } from '../limits.ts';
import type { CommandContext } from './change.ts';
import { theCampaign } from './find.ts';

export interface AuditPage {
  readonly campaign: string;
  /** In order: who, when, what, why, from where. */
  readonly commands: readonly Numbered[];
  /** Where the next page begins, if there is one. */
  readonly next?: number;
}

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
