import type { Clock } from '../clock.ts';
import { isPassing } from '../errors.ts';
import type { Store } from '../store/store.ts';
import type { Wire } from '../wire.ts';
import { attempts, documentKey, load, save } from './documents.ts';
import type { CampaignDocument, proof } from './schemas.ts';
import type { VerifyReport } from './verifyReport.ts';

export type Proof = Wire<typeof proof>;

/** What a verification was made under. A checkpoint counts only for that. */
export const stamp = ({ generation, stage }: CampaignDocument): string => `${generation} ${stage}`;

/**
 * Keeps what a verification found, for `handover history`: never in place of a later one. Where it cannot be kept, the
 * report is as good without.
 */
export async function keepProof(
  store: Store,
  campaign: CampaignDocument,
  report: VerifyReport,
  { clock, signal, step }: { readonly clock: Clock; readonly signal?: AbortSignal; readonly step: number },
): Promise<void> {
  const { id, stage } = campaign;
  const key = documentKey('verify', id, 'run');
  const { at, started, completed, inFlight, quarantined, duplicates, gaps, clean } = report;
  const found: Proof = { at, stage, started, completed, inFlight, quarantined, duplicates, gaps, clean };
  try {
    await attempts(clock, key, signal, async () => {
      const stored = await load(store, 'verify', key);
      if (stored?.value.proof && stored.value.proof.at > at) return { done: undefined };
      const begun = { v: 1 as const, of: stamp(campaign), startedAt: at, step, report };
      const saved = await save<'verify'>(store, key, { ...(stored?.value ?? begun), proof: found }, stored?.version);
      return saved.status === 'applied' ? { done: undefined } : saved;
    });
  } catch (error) {
    if (!isPassing(error)) throw error;
  }
}

/** The last verification of a campaign that was finished, if there was one. */
export async function proofOf(store: Store, campaign: string): Promise<Proof | undefined> {
  return (await load(store, 'verify', documentKey('verify', campaign, 'run')))?.value.proof;
}
