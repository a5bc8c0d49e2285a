import { type CampaignStatus, campaignStatus } from '../admin/inspect.ts';
import { isHeldUp } from '../admin/stuck.ts';
import { lookAtSweep, sweepStatus } from '../admin/sweepStatus.ts';
import type { Counts } from '../engine/counts.ts';
import { documentKey, load } from '../engine/documents.ts';
import { isHookDue } from '../engine/hooksDue.ts';
import type { CampaignDocument } from '../engine/schemas.ts';
import { isStripping } from '../engine/strip.ts';
import { Worker } from '../engine/worker.ts';
import { HandoverError, unlessPassing } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Exit } from './exitCodes.ts';
import { meterFor } from './meter.ts';
import type { Session } from './verb.ts';

/**
 * Works on one campaign until it is settled, paused or closed; a store that does not answer now and then is outlasted. Other workers may help; none is needed.
 * Throws `wait.interrupted` when the user ends it: the page under way is finished, and the campaign is as it is.
 */
export async function waitFor(session: Session, id: string): Promise<CampaignStatus> {
  const { clock, signal, io, json } = session;
  const meter = meterFor(io, json);
  let last: CampaignDocument | undefined;
  const show = (campaign: CampaignDocument, done: number, total: number | undefined) => {
    last = campaign;
    meter.show({ name: `${campaign.id} ${campaign.stage}, sweep ${campaign.sweep}`, done, total });
  };
  // A look now and then does not see the end of a sweep; the worker does.
  const swept = ({ lastSweep }: CampaignDocument, { seen = 0 }: Counts) => {
    const shown = last?.generation === lastSweep?.generation && last?.sweep === lastSweep?.sweep;
    if (last && shown) show(last, seen, seen);
  };
  const worker = new Worker({ ...session, events: { swept } });
  const watch = new AbortController();
  const watching = watchSweeps(session, id, meter.everyMs, show, watch.signal);
  try {
    for (;;) {
      const campaign = await unlessPassing(campaignOf(session, id));
      if (!campaign) {
        if (signal.aborted) throw new HandoverError('wait.interrupted', `${id} was not seen at rest.`);
        await clock.sleep(LIMITS.idleMs, signal);
        continue;
      }
      const rests = campaign.settledAt !== undefined && !isHookDue(campaign);
      const over = campaign.closed ? !isStripping(campaign) : rests;
      if (over || campaign.run === 'paused') {
        const status = await unlessPassing(campaignStatus(session, campaign));
        if (status) return status;
      }
      if (signal.aborted) throw interrupted(campaign);
      if (await worker.step(campaign, signal)) continue;
      if (await unlessPassing(isHeldUp(session, campaign))) {
        const status = await unlessPassing(campaignStatus(session, campaign));
        if (status) return status;
      }
      await clock.sleep(LIMITS.idleMs, signal);
    }
  } finally {
    watch.abort();
    await watching;
    meter.stop();
  }
}

/** What the end of a wait means for a script. */
export const exitAfter = ({ run, quarantined, stuck }: CampaignStatus): Exit =>
  run === 'paused' || stuck !== undefined || quarantined.count > quarantined.skipped ? 'held' : 'done';

async function campaignOf({ store }: Pick<Session, 'store'>, id: string): Promise<CampaignDocument> {
  const stored = await load(store, 'campaign', documentKey('campaign', id));
  if (!stored) throw new HandoverError('campaign.missing', `There is no campaign ${JSON.stringify(id)}.`);
  return stored.value;
}

async function watchSweeps(
  session: Session,
  id: string,
  everyMs: number,
  show: (campaign: CampaignDocument, done: number, total: number | undefined) => void,
  signal: AbortSignal,
): Promise<void> {
  const look = async () => {
    const campaign = await campaignOf(session, id);
    const { seen, expected, running } = sweepStatus(session, campaign, await lookAtSweep(session, campaign));
    if (running && !signal.aborted) show(campaign, seen, expected);
  };
  while (!signal.aborted) {
    await unlessPassing(look());
    await session.clock.sleep(everyMs, signal);
  }
}

function interrupted({ id, stage }: CampaignDocument): HandoverError {
  return new HandoverError('wait.interrupted', `Stopped while ${id} was ${stage}; the page under way was finished.`);
}
