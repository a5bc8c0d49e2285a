import { toPlain } from '../../src/record/plain.ts';
import { decodeSlot } from '../../src/record/slot.ts';
import type { Entity, Store } from '../../src/store/store.ts';
import { feedOf, newKey, oldKey } from './feeds.ts';
import type { Ledger } from './ledger.ts';

export interface Checked {
  /** Records found at the new home, and the writes found in them. */
  readonly records: number;
  readonly writes: number;
  /** Entries in all their journals. */
  readonly moves: number;
  readonly problems: readonly string[];
}

const PAGE = 500;

/**
 * Reads both homes after a campaign is over: every record, every acknowledged write, every journal. By key, for a scan may
 * lag behind; that there is nothing else is for `verify` to say.
 */
export async function check(store: Store, records: number, ledger: Ledger): Promise<Checked> {
  const problems: string[] = [];
  let [found, writes, moves] = [0, 0, 0];
  for (let first = 1; first <= records; first += PAGE) {
    const numbers = Array.from({ length: Math.min(PAGE, records - first + 1) }, (_, i) => first + i);
    const [young, old] = [await store.read(numbers.map(newKey)), await store.read(numbers.map(oldKey))];
    numbers.forEach((n, i) => {
      if (old[i]) problems.push(`${old[i].key} is still there: ${old[i].slot}`);
      const entity = young[i];
      if (!entity) {
        problems.push(`record ${n} is gone`);
        return;
      }
      found++;
      writes += checkContent(n, entity, ledger, problems);
      moves += checkJournal(entity, problems);
    });
  }
  return { records: found, writes, moves, problems: [...problems, ...ledger.problems] };
}

function checkContent(n: number, { key, content }: Entity, ledger: Ledger, problems: string[]): number {
  const { user, title } = feedOf(n);
  const { visits, last, ...rest } = toPlain(content.properties) as { visits: number; last: string };
  const sorted = (value: object) => JSON.stringify(Object.entries(value).sort());
  const [is, should] = [sorted(rest), sorted({ user, name: title.toUpperCase() })];
  if (is !== should) problems.push(`${key} holds ${is}, not ${should}`);
  ledger.check(n, { visits, last });
  return visits;
}

/** It counts up by one, and no move was done twice. */
function checkJournal({ key, slot }: Entity, problems: string[]): number {
  if (slot === undefined) {
    problems.push(`${key} has no slot`);
    return 0;
  }
  const { journal } = decodeSlot(slot);
  journal.slice(1).forEach((entry, i) => {
    const before = journal[i]!;
    if (entry.seq !== before.seq + 1) problems.push(`${key}: a gap in ${slot}`);
    // A second refresh is of what a client has written since; any other move twice in a row would be done twice.
    if (!entry.move.startsWith('refresh') && entry.move === before.move) problems.push(`${key}: twice in ${slot}`);
  });
  return journal.length;
}
