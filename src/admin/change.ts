import type { Clock } from '../clock.ts';
import type { Migration } from '../define/migration.ts';
import { type Entry, entered, entryOf } from '../engine/audit.ts';
import { updateCampaign } from '../engine/campaigns.ts';
import type { CampaignDocument } from '../engine/schemas.ts';
import { HandoverError } from '../errors.ts';
import type { Store } from '../store/store.ts';

/** What a command works with, and what the audit trail will say of it. */
export interface CommandContext {
  readonly store: Store;
  readonly migrations: readonly Migration[];
  readonly clock: Clock;
  /** Who commands: written to the campaign's history. */
  readonly by: string;
  /** From where. */
  readonly from?: Entry['from'];
  /** The command's own name. What was carried out under it already is not carried out again. Default: a fresh one. */
  readonly call?: Call;
  /** Throws where the campaign is not as it was when the command was thought of. */
  readonly expects?: (current: CampaignDocument) => void;
}

export interface Call {
  readonly id: string;
  /** A digest of what is asked for. */
  readonly asked?: string;
}

/**
 * Changes the campaign once. Each call marks the entry it writes into the history: when an answer is lost and the look
 * that follows finds the mark, the command took effect, whatever its gates would say by now. `compute` records one entry.
 */
export async function change(
  context: CommandContext,
  id: string,
  compute: (current: CampaignDocument) => CampaignDocument | Promise<CampaignDocument>,
): Promise<CampaignDocument> {
  const call = context.call ?? { id: context.clock.id() };
  return updateCampaign(context, id, async (current) => {
    // One whose name is fresh can only be among the newest.
    const done = context.call ? await carriedOut(context.store, current, call) : current.history.some(by(call));
    if (done) return undefined;
    context.expects?.(current);
    const next = await compute(current);
    const history = next.history.map((entry, i, all) => (i === all.length - 1 ? { ...entry, ...call } : entry));
    return { ...next, history };
  });
}

const by = (call: Call) => (entry: Entry) => entry.id === call.id;

/** The entry of this very call. Throws `request.repeated` where its id was used for another one. */
export async function carriedOut(store: Store, campaign: CampaignDocument, { id, asked }: Call) {
  const entry = await entryOf(store, campaign, id);
  if (!entry || entry.asked === asked) return entry;
  throw new HandoverError('request.repeated', `It was used for: ${entry.what}.`);
}

/** The history with one more entry. `records`: how many it was about. */
export function record(
  context: CommandContext,
  current: CampaignDocument,
  what: string,
  reason?: string,
  records?: number,
) {
  return entered(context, current, {
    what,
    ...(reason === undefined ? {} : { reason }),
    ...(records === undefined ? {} : { records }),
    ...(context.from ? { from: context.from } : {}),
    targets: current.targets,
  });
}

export const refused = ({ id, stage, run, closed: over }: CampaignDocument, event: string) =>
  new HandoverError(
    'campaign.refused',
    `${event} is not possible: campaign ${id} is ${stage}${run === 'paused' ? ' and paused' : ''}${over ? ', and closed' : ''}.`,
    { stage, run, event },
  );
