import type { CampaignDocument } from '../engine/schemas.ts';
import { type CommandContext, change, record, refused } from './change.ts';
import { definitionOf, theCampaign } from './find.ts';

/**
 * Has the state taken off all entities of a closed campaign. Refused while it is open. It may be asked for again: a
 * router that is still in use writes it anew.
 */
export async function strip(
  context: CommandContext,
  name: string,
  options: { readonly reason?: string } = {},
): Promise<CampaignDocument> {
  const { id } = await theCampaign(context, name);
  return change(context, id, (current) => {
    if (!current.closed) throw refused(current, 'strip');
    definitionOf(context, current);
    // It lies still since it closed, and the store may have merged what it had split.
    const pace = current.pace && { pace: { ...current.pace, since: context.clock.now() } };
    return {
      ...current,
      ...pace,
      strip: { step: 0, stripped: 0, left: 0 },
      ...record(context, current, 'strip', options.reason),
    };
  });
}
