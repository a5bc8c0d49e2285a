import type { Move, Target } from '../../machines/moves.ts';
import type { RecordState } from '../../machines/record.ts';
import type { Migration } from '../define/migration.ts';
import { sweepName } from './campaigns.ts';
import { nextMove } from './decide.ts';
import type { CampaignDocument } from './schemas.ts';

/**
 * Where records are referred to, what a sweep may do with the side that is to go. From one key of a record to the other
 * leads what stands there, so a reference can be rewritten only as long as both stand. Hence two kinds of sweep, in turn:
 *
 * - `never`: records go where they are wanted, and keep both sides; then all references are looked at. When none of them
 *   had to be rewritten, and no record was left behind, the next sweep is
 * - `only`: what was left is dropped, and nothing else is done to records that are to lose a side. One that has not got
 *   so far (it was inserted since) waits for the next sweep of the other kind: what is dropped has been where it is since
 *   before references were looked at.
 */
export type Drops = 'never' | 'only';

const losesSide = (target: Target): boolean => target === 'home' || target === 'completed';

/** Undefined where nothing refers to records, or none is to lose a side: then sweeps do as the table says. */
export function dropsOf(campaign: CampaignDocument, { references }: Pick<Migration, 'references'>): Drops | undefined {
  if (references.length === 0 || campaign.closed || !campaign.targets.some(({ target }) => losesSide(target)))
    return undefined;
  return campaign.dropIn === sweepName(campaign) ? 'only' : 'never';
}

/** The next move of a record; null at rest, 'later' where it is another sweep's to make. */
export function nextMoveUnder(
  drops: Drops | undefined,
  state: RecordState,
  target: Target,
  together: boolean,
): Move | 'later' | null {
  if (!drops || !losesSide(target)) return nextMove(state, target, together);
  if (drops === 'only') {
    const move = nextMove(state, target, false);
    return !move || move.type === 'drop' || move.type === 'quarantine' ? move : 'later';
  }
  if (target === 'completed') return nextMove(state, 'switched', together);
  // At home again: what stands at T is the way from the new key to the old one.
  if (state === 'copied' || state === 'copiedStale' || state === 'returned') return null;
  return nextMove(state, 'home', false);
}
