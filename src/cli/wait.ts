import { type CampaignStatus, campaignStatus } from '../admin/inspect.ts';
import { sweepStatus } from '../admin/status.ts';
import { type CampaignDocument, documentKey, load } from '../engine/documents.ts';
import type { Counts } from '../engine/page.ts';
import { Worker } from '../engine/worker.ts';
import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Exit } from './exitCodes.ts';
import { type Meter, meterFor } from './meter.ts';
import type { Session } from './verb.ts';

/**
 * Works on one campaign until it is settled, paused or closed. Other workers may help; none is needed.
 * Throws `wait.interrupted` when the user ends it: the page under way is finished, and the campaign is as it is.
 */
export async function waitFor(session: Session, id: string): Promise<CampaignStatus> {
  const { store, clock, signal, io, json } = session;
  const meter = meterFor(io, json);
  let name = '';
  const events = {
    swept: (_after: CampaignDocument, { seen = 0 }: Counts) => meter.show({ name, done: seen, total: seen }),
  };
  const worker = new Worker({ ...session, events });
  const watch = new AbortController();
  const watching = watchSweeps(session, id, meter, watch.signal);
  try {
    for (;;) {
      const campaign = await campaignOf(session, id);
      if (campaign.settledAt !== undefined || campaign.closed || campaign.run === 'paused') {
        return await campaignStatus({ store, migrations: session.migrations }, campaign);
      }
      if (signal.aborted) throw interrupted(campaign);
      name = nameOf(campaign);
      if (!(await stepOrFalter(worker, campaign, signal))) await clock.sleep(LIMITS.idleMs, signal);
    }
  } finally {
    watch.abort();
    await watching;
    meter.stop();
  }
}

/** What the end of a wait means for a script. */
export const exitAfter = ({ run, quarantined }: CampaignStatus): Exit =>
  run === 'paused' || quarantined.count > 0 ? 'held' : 'done';

export async function campaignOf({ store }: Pick<Session, 'store'>, id: string): Promise<CampaignDocument> {
  const stored = await load(store, 'campaign', documentKey('campaign', id));
  if (!stored) throw new HandoverError('campaign.missing', `There is no campaign ${JSON.stringify(id)}.`);
  return stored.value;
}

/** A lost answer is no reason to stop: nothing is known, so look again. */
export async function stepOrFalter(worker: Worker, campaign: CampaignDocument, signal: AbortSignal): Promise<boolean> {
  try {
    return await worker.step(campaign, signal);
  } catch (error) {
    if (error instanceof HandoverError && error.code === 'store.unknown') return false;
    throw error;
  }
}

async function watchSweeps(session: Session, id: string, meter: Meter, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const campaign = await campaignOf(session, id);
    const { seen, expected, running } = await sweepStatus(session, campaign);
    if (running && !signal.aborted) meter.show({ name: nameOf(campaign), done: seen, total: expected });
    await session.clock.sleep(meter.everyMs, signal);
  }
}

const nameOf = ({ id, stage, sweep }: CampaignDocument): string => `${id} ${stage}, sweep ${sweep}`;

function interrupted({ id, stage }: CampaignDocument): HandoverError {
  return new HandoverError('wait.interrupted', `Stopped while ${id} was ${stage}; the page under way was finished.`);
}
