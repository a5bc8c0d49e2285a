import { guardOn } from '../store/store.ts';
import { updateCampaign } from './campaigns.ts';
import type { Hand } from './fence.ts';
import { carryOut } from './hooks.ts';
import { type CallDue, callsDue, isAfterDue, isOver, takenOver } from './hooksDue.ts';
import type { CampaignDocument } from './schemas.ts';
import type { WorkerEvents } from './worker.ts';

interface Calling extends Hand {
  readonly events: WorkerEvents;
}

/** Carries out what is due for a campaign as a whole, and what was waiting for it. `waits`: it is not done yet. */
export async function carryOutDue(calling: Calling): Promise<'done' | 'waits'> {
  return calling.look.campaign.value.pending ? beforeCommand(calling) : afterSettling(calling);
}

async function beforeCommand(calling: Calling): Promise<'done' | 'waits'> {
  const campaign = calling.look.campaign.value;
  const { generation } = campaign.pending!;
  // Whoever changed his mind has put another one there, or none.
  const still = ({ pending, run }: CampaignDocument) => pending?.generation === generation && run === 'running';
  for (const due of callsDue(campaign)) if ((await call(calling, due, still)) !== 'done') return 'waits';
  await updateCampaign(calling, campaign.id, (now) => (still(now) ? takenOver(now) : undefined));
  return 'done';
}

async function afterSettling(calling: Calling): Promise<'done' | 'waits'> {
  const campaign = calling.look.campaign.value;
  const { hook, generation } = campaign.after!;
  const still = (now: CampaignDocument) =>
    now.after?.generation === generation && isAfterDue(now) && !now.pending && now.run === 'running' && !now.closed;
  for (const due of callsDue(campaign)) if ((await call(calling, due, still)) !== 'done') return 'waits';
  await updateCampaign(calling, campaign.id, (now) =>
    still(now) ? { ...now, after: { hook, generation, done: true }, closed: isOver(now) } : undefined,
  );
  return 'done';
}

function call(calling: Calling, due: CallDue, still: (now: CampaignDocument) => boolean) {
  const { store, clock, worker, migration, look, events, signal } = calling;
  const { key, value, version } = look.campaign;
  const guard = guardOn(store, key, version);
  return carryOut({ store, clock, worker, migration, campaign: value, guard, still, events, signal }, due);
}
