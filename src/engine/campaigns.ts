import type { Clock } from '../clock.ts';
import { HandoverError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import { archive } from './audit.ts';
import { attempts, documentKey, load, loadMany, save } from './documents.ts';
import type { CampaignDocument } from './schemas.ts';

/**
 * What the slots of shadows say that are made under a campaign as it is. Nothing until it is upgraded: the version that it
 * was started with goes without saying.
 */
export function versionUnder({
  migrationVersion,
  firstVersion = migrationVersion,
}: Pick<CampaignDocument, 'migrationVersion' | 'firstVersion'>): number | undefined {
  return migrationVersion === firstVersion ? undefined : migrationVersion;
}

/** A sweep's own number, as text: in key order. */
export const sweepName = ({ generation, sweep }: Pick<CampaignDocument, 'generation' | 'sweep'>): string =>
  `${String(generation).padStart(6, '0')}.${String(sweep).padStart(6, '0')}`;

/** The runs of a migration are numbered from 1. */
export const campaignId = (migration: string, number: number): string => `${migration}.${number}`;

/** Whether a campaign is an earlier run of the same migration: a run begins only when those before it are closed. */
export function isEarlierRun(id: string, than: string): boolean {
  const [a, b] = [id, than].map((each) => ({
    name: each.slice(0, each.lastIndexOf('.')),
    number: Number(each.slice(each.lastIndexOf('.') + 1)),
  }));
  return a!.name === b!.name && a!.number < b!.number;
}

export async function campaignAt(store: Store, id: string): Promise<CampaignDocument | undefined> {
  return (await load(store, 'campaign', documentKey('campaign', id)))?.value;
}

/** Looked up at once, and as many again while all are there. */
const CAMPAIGNS_A_READ = 8;

/** All campaigns of a migration, oldest first: looked up by their numbers, for a scan may lag and show the wrong one. */
export async function campaignsOf(store: Store, migration: string): Promise<readonly CampaignDocument[]> {
  const found: CampaignDocument[] = [];
  for (;;) {
    const numbers = Array.from({ length: CAMPAIGNS_A_READ }, (_, i) => found.length + i + 1);
    const keys = numbers.map((number) => documentKey('campaign', campaignId(migration, number)));
    for (const campaign of await loadMany(store, 'campaign', keys)) {
      if (!campaign) return found;
      found.push(campaign.value);
    }
  }
}

/**
 * Changes a campaign by compare-and-set: read, compute, swap, and again if somebody was faster. `change` returns the new
 * document, or undefined to leave it. After a lost answer the change is computed anew from what is there: it is never
 * applied to what nobody looked at. A change that must know whether it took effect leaves a mark of its own.
 */
export async function updateCampaign(
  { store, clock }: { readonly store: Store; readonly clock: Clock },
  id: string,
  change: (current: CampaignDocument) => CampaignDocument | undefined | Promise<CampaignDocument | undefined>,
): Promise<CampaignDocument> {
  const key = documentKey('campaign', id);
  return attempts(clock, key, undefined, async () => {
    const stored = await load(store, 'campaign', key);
    if (!stored) throw new HandoverError('campaign.missing', `There is no campaign ${JSON.stringify(id)}.`);
    const next = await change(stored.value);
    if (!next) return { done: stored.value };
    const kept = await archive(store, next);
    if (!('done' in kept)) return kept;
    const saved = await save<'campaign'>(store, key, kept.done, stored.version);
    return saved.status === 'applied' ? kept : saved;
  });
}
