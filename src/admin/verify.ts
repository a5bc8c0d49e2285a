import { type VerifyReport, verify } from '../engine/verify.ts';
import type { CommandContext } from './change.ts';
import { migrationUnder, theCampaign } from './find.ts';

export interface VerifyOptions {
  /** From the beginning, where one that was interrupted would go on. */
  readonly restart?: boolean;
  /** `total` is what the last sweep saw, where there was one. */
  readonly onProgress?: (done: number, total: number | undefined, campaign: string) => void;
  readonly signal?: AbortSignal;
}

/** Looks at every record in both homes. Throws `wait.interrupted` when the signal aborts: the next one goes on there. */
export async function verifyCampaign(
  context: Pick<CommandContext, 'store' | 'migrations' | 'clock'>,
  name: string,
  { onProgress, ...options }: VerifyOptions = {},
): Promise<VerifyReport> {
  const { store, clock } = context;
  const campaign = await theCampaign(context, name);
  const migration = migrationUnder(context, campaign);
  const total = campaign.lastSweep?.counts['seen'];
  const told = (done: number) => onProgress?.(done, total, campaign.id);
  return verify(store, migration, campaign, { clock, ...options, onProgress: told });
}
