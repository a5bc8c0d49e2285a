import type { Side } from '../../machines/moves.ts';
import type { Clock } from '../clock.ts';
import type { Migration } from '../define/migration.ts';
import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { Key } from '../record/key.ts';
import { decodeSlot } from '../record/slot.ts';
import type { Entity, Store } from '../store/store.ts';
import { updateCampaign } from './campaigns.ts';
import type { Claim } from './claim.ts';
import { documentKey, load } from './documents.ts';
import { type Pacer, turnsOf } from './pace.ts';
import { isLeftOver } from './pair.ts';
import type { CampaignDocument } from './schemas.ts';
import { firstField, homeRange } from './sweep.ts';

/**
 * Takes the slots off what a closed campaign has left: they say `owner`, as an entity without a slot does, so no truth
 * changes and no other run is concerned. Each is a compare-and-set on the version that was seen; a slot that says
 * anything else stays. What goes with them is what only they know: old keys, journals, and the marks of writes.
 */
export interface StripOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly migration: Migration;
  readonly pacer: Pacer;
  /** Says that this worker is at it. */
  readonly claim: Pick<Claim, 'keep'>;
  readonly signal: AbortSignal;
}

/** Asked for, and not done yet: it begins when the campaign has closed. */
export const isStripping = ({ closed, strip }: Pick<CampaignDocument, 'closed' | 'strip'>): boolean =>
  closed && strip !== undefined && strip.doneAt === undefined;

/** Strips one page more, and checkpoints. Two workers at one page strip it once, and the slower one's checkpoint loses. */
export async function stripPage(options: StripOptions, campaign: CampaignDocument): Promise<void> {
  const { store, clock, migration, pacer, claim, signal } = options;
  const at = campaign.strip!;
  const moved = migration.records.flatMap((_, rule) => (['T', 'S'] as const).map((home: Side) => ({ rule, home })));
  const steps = [
    ...moved,
    ...migration.fields.map((_, i) => ({ rule: firstField(migration) + i, home: 'S' as const })),
  ];
  const look = async () => (await load(store, 'campaign', documentKey('campaign', campaign.id)))?.value ?? campaign;
  await turnsOf({ pacer, claim, clock, signal })(look, () => 0);
  if (signal.aborted) return;
  const step = steps[at.step];
  const range = step && homeRange(migration, step.rule, step.home);
  const after = at.cursor === undefined ? {} : { after: Key.parse(at.cursor) };
  const page = range && (await store.scan({ ...range, ...after }, pacer.pageSize));
  const { stripped, left } = await stripAll(store, campaign.id, page?.entities ?? []);
  await updateCampaign({ store, clock }, campaign.id, (current) => {
    const { strip } = current;
    if (strip?.step !== at.step || strip.cursor !== at.cursor || strip.doneAt !== undefined) return undefined;
    const sums = { stripped: strip.stripped + stripped, left: strip.left + left };
    if (!page) return { ...current, strip: { ...sums, step: strip.step, doneAt: clock.now() } };
    const cursor = page.entities.at(-1)?.key.toString();
    return {
      ...current,
      strip: page.more && cursor ? { ...sums, step: strip.step, cursor } : { ...sums, step: strip.step + 1 },
    };
  });
}

/** `left`: slots that are not the campaign's to take, or whose entities kept changing. */
async function stripAll(store: Store, campaign: string, entities: readonly Entity[]) {
  const slotted = entities.filter(({ slot }) => slot !== undefined);
  let open = slotted.filter((entity) => isStrippable(entity, campaign));
  const others = slotted.length - open.length;
  const all = open.length;
  for (let round = 0; open.length > 0 && round < LIMITS.roundsPerPage; round++) {
    const outcomes = await store.commit(
      open.map(({ key, version, content }) => ({ op: 'update' as const, key, version, content })),
    );
    const lost = open.filter((_, i) => outcomes[i]!.status !== 'applied');
    const again = await store.read(lost.map(({ key }) => key));
    open = again.filter((entity): entity is Entity => entity !== undefined && isStrippable(entity, campaign));
  }
  return { stripped: all - open.length, left: others + open.length };
}

function isStrippable({ slot }: Entity, campaign: string): boolean {
  try {
    return slot !== undefined && isLeftOver(decodeSlot(slot), campaign);
  } catch (error) {
    // What cannot be read may be a later handover's: not ours to take.
    if (error instanceof HandoverError) return false;
    throw error;
  }
}
