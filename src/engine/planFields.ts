import { matches } from '../define/entity.ts';
import type { FieldRule } from '../define/field.ts';
import { HandoverError } from '../errors.ts';
import { encodeSlot } from '../record/slot.ts';
import { checkEntity } from '../store/check.ts';
import type { Entity } from '../store/store.ts';
import { type FieldHeld, fieldStateOf, holdField } from './field.ts';
import { moved, writeOf } from './fieldMoves.ts';
import { indexEntriesOf } from './indexEntries.ts';
import { actorOf, LONGEST_JOURNAL, note, type PlanContext, tried } from './planPage.ts';
import type { RulePlan } from './planReport.ts';

/** Adds one page of records that are rewritten in place. One that fails is counted with its cause; the others go on. */
export function planFieldPage(
  entities: readonly Entity[],
  rule: FieldRule,
  of: RulePlan,
  context: Pick<PlanContext, 'store' | 'findings' | 'campaign'>,
): void {
  const { findings } = context;
  for (const entity of entities) {
    findings.seen++;
    if (!matches(rule.of, entity.key)) continue;
    tried(findings, entity.key, () => {
      const held = holdField(rule, entity);
      const state = fieldStateOf(held);
      if (state === 'absent') return;
      if (state === 'split')
        throw new HandoverError('record.split', `Old and new properties of ${entity.key} are both there, and differ.`);
      if (state !== 'atHome') {
        of.inFlight++;
        return;
      }
      of.records++;
      of.inPlace++;
      of.bytes += held.old!.bytes.length;
      of.indexEntries += indexEntriesOf(held.old!);
      rehearse(held, of, context);
    });
  }
}

/** The copy and the way back, in memory. */
function rehearse(
  held: FieldHeld,
  of: RulePlan,
  { store, findings, campaign }: Omit<PlanContext, 'targets' | 'groups'>,
) {
  const { rule, key, old } = held;
  const copy = { type: 'copy', at: 'T' } as const;
  const copied = moved(held, copy, 'copied', actorOf(campaign));
  const write = writeOf(held, copied, store.capabilities);
  const { now, slot } = copied;
  if (!rule.forward(key, old!).equals(now!))
    throw new HandoverError('transform.forward', `${key} became something else the second time.`);
  const longest = encodeSlot({ ...slot!, campaign: 'x'.repeat(45), nonce: 'x'.repeat(16), journal: LONGEST_JOURNAL });
  checkEntity(key, write.content, longest, store.capabilities);
  of.newBytes += now!.bytes.length;
  of.newIndexEntries += indexEntriesOf(now!);
  of.slotBytes += Buffer.byteLength(write.slot);
  if (rule.reversible && !rule.backward(key, now!).equals(old!))
    note(findings.inexact, key, '`backward` of `forward` is not what the record was.');
}
