import { commandsOf } from '../engine/audit.ts';
import type { CampaignDocument } from '../engine/schemas.ts';
import { HandoverError } from '../errors.ts';

/**
 * A campaign's ETag: how many commands it was given, by operators or, when it paused itself, by a worker. The progress of
 * a sweep leaves it, so that an operator's command does not fail because work goes on; another operator's command does
 * not. It stands for what was ordered, not for all that the answer says, which is therefore never to be cached.
 */
export const tagOf = (campaign: CampaignDocument): string => `"${campaign.id}-${commandsOf(campaign)}"`;

/**
 * Throws where the campaign is not as the operator saw it: `campaign.changed`, or `request.unconditional` where he does
 * not say how he saw it, and needs to (RFC 9110, section 13.1.1; RFC 6585, section 3).
 */
export function expectation(ifMatch: string | undefined, { unconditional }: { readonly unconditional?: true }) {
  // A proxy that compresses the answer makes the tag a weak one, which is to match nothing, for the bytes may be others. Ours
  // never spoke of bytes: the campaign it stands for is the very one.
  const tags = ifMatch?.split(',').map((tag) => tag.trim().replace(/^W\/(?=")/, ''));
  return (current: CampaignDocument): void => {
    if (tags?.includes('*') || tags?.includes(tagOf(current))) return;
    if (tags) throw new HandoverError('campaign.changed', `It is ${tagOf(current)} by now.`, { etag: tagOf(current) });
    // What nobody has commanded yet, nobody has seen otherwise.
    if (unconditional || commandsOf(current) === 0) return;
    throw new HandoverError('request.unconditional', `${current.id} was given commands before.`, {
      etag: tagOf(current),
    });
  };
}
