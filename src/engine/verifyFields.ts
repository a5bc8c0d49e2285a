import type { FieldState } from '../../machines/field.ts';
import type { Target } from '../../machines/moves.ts';
import { matches } from '../define/entity.ts';
import type { FieldRule } from '../define/field.ts';
import { HandoverError } from '../errors.ts';
import type { Entity, Store } from '../store/store.ts';
import { type FieldHeld, fieldStateOf, holdField, nextFieldMove } from './field.ts';
import { listedOf } from './quarantine.ts';
import type { CampaignDocument } from './schemas.ts';
import { targetAt } from './targets.ts';
import { type Finding, note, type VerifyReport } from './verifyReport.ts';

interface Context {
  readonly store: Store;
  readonly campaign: CampaignDocument;
  readonly report: VerifyReport;
}

/** Judges one page of records that are rewritten in place: one read shows all that there is of each. */
export async function verifyFields(
  entities: readonly Entity[],
  rule: FieldRule,
  { store, campaign, report }: Context,
): Promise<void> {
  report.seen += entities.length;
  const mine = entities.filter(({ key }) => matches(rule.of, key));
  const sources = mine.map(({ key }) => key);
  const listed = await listedOf(store, campaign.id, sources);
  for (const [i, entity] of mine.entries()) judge(entity, rule, listed[i] !== undefined, campaign, report);
}

function judge(entity: Entity, rule: FieldRule, listed: boolean, campaign: CampaignDocument, report: VerifyReport) {
  const { key } = entity;
  try {
    const held = holdField(rule, entity);
    const state = fieldStateOf(held);
    if (state === 'absent') return;
    report.started++;
    const finding = listed ? 'quarantined' : findingOf(held, state, targetAt(campaign.targets, key));
    if (finding) note(report, finding, key);
    // Two that claim to be the record are two, listed or not.
    if (state === 'split') {
      report.duplicates++;
      if (finding !== 'splits') note(report, 'splits', key);
    }
    if (!finding) report.completed++;
    else if (finding !== 'quarantined' && finding !== 'inFlight') report.inFlight++;
  } catch (error) {
    if (!(error instanceof HandoverError)) throw error;
    report.started++;
    note(report, 'quarantined', key);
  }
}

/** What is wrong with a record. A copy is compared by what it says, not by the mark that the slot keeps of it. */
function findingOf(held: FieldHeld, state: FieldState, target: Target): Finding | undefined {
  const { rule, key, old, now } = held;
  if (state === 'split') return 'splits';
  if (state === 'copied' && !rule.forward(key, old!).equals(now!)) return 'stale';
  if (!nextFieldMove(held, state, target)) return undefined;
  if (state === 'atHome') return 'missing';
  return state === 'copiedStale' && target !== 'home' ? 'stale' : 'inFlight';
}
