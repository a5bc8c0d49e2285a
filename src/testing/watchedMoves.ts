import { type Move, type Side, TARGETS } from '../../machines/moves.ts';
import { type RecordState, recordMachine, STALE } from '../../machines/record.ts';
import { evaluate } from '../engine/decide.ts';
import { type Held, roleOf } from '../engine/pair.ts';
import { LIMITS } from '../limits.ts';
import type { Slot } from '../record/slot.ts';

/** Both homes of a record, at one moment. */
export interface Sides {
  readonly S: Held | undefined;
  readonly T: Held | undefined;
}

/** The move that was made between two looks, as its journal calls it; undefined for a write of the application. */
export function moveBetween(before: Sides, after: Sides): string | undefined {
  const fresh = (['S', 'T'] as const).filter((at) => before[at]?.version !== after[at]?.version);
  // The short path leaves its entry on the side that takes the truth; the other side only goes along.
  for (const at of fresh) {
    const [was, is] = [before[at]?.slot, after[at]?.slot];
    const entry = lastEntry(is);
    // Another campaign counts from 1 again.
    if (entry && (was?.campaign !== is?.campaign || entry.seq > (lastEntry(was)?.seq ?? 0))) return entry.move;
  }
  const dropped = fresh.find((at) => !after[at]);
  return dropped && `drop ${dropped}`;
}

/** Content alone, of an owner that stays one: what it says is compared with keys of either home taken for one. */
export function isRewrite(before: Sides, after: Sides): boolean {
  const [at, ...more] = (['S', 'T'] as const).filter((side) => before[side]?.version !== after[side]?.version);
  if (!at || more.length > 0 || roleOf(before[at]) !== 'O') return false;
  return JSON.stringify(before[at]!.slot) === JSON.stringify(after[at]?.slot) && roleOf(after[at]) === 'O';
}

const lastEntry = (slot: Slot | undefined) => slot?.journal.at(-1);

/** The states that each move leads to from each state, whatever the target, as the machine has it. */
const MOVES = (() => {
  const moves = new Map<string, Set<RecordState>>();
  for (const state of Object.keys(recordMachine.states) as RecordState[]) {
    for (const event of TARGETS.flatMap((target) => [`want.${target}`, `together.${target}`])) {
      const decision = evaluate<RecordState, Move>(recordMachine, state, event);
      const [move] = decision?.effects ?? [];
      if (!move || move.type === 'quarantine') continue;
      const row = `${state} ${move.type} ${move.at}`;
      moves.set(row, (moves.get(row) ?? new Set()).add(decision!.next));
    }
  }
  return moves;
})();

/** Every state and move of the record machine: what a run can reach. */
export const ALL_MOVES: readonly string[] = [...MOVES.keys()];

/** A shadow may be stale by the time it is written: its owner may have been written since it was looked at. */
export function isMove(move: string, from: RecordState, to: RecordState): boolean {
  const leads = MOVES.get(`${from} ${move}`);
  if (!leads) return false;
  return leads.has(to) || [...leads].some((state) => (STALE as Partial<Record<string, RecordState>>)[state] === to);
}

/** What each move makes of the side that it is made on: the other one may have changed since it was looked at. */
const DOES: Readonly<Record<Exclude<Move['type'], 'quarantine'>, RegExp>> = {
  copy: /^-H$/,
  refresh: /^HH$/,
  cede: /^OC$/,
  promote: /^HO$/,
  demote: /^CH$/,
  drop: /^[HCXB]-$/,
  pass: /^[-HC]O$/,
};

export function isAsSaid(move: string, before: Sides, after: Sides): boolean {
  const [type, at] = move.split(' ') as [keyof typeof DOES, Side];
  return DOES[type].test(roleOf(before[at]) + roleOf(after[at]));
}

/** What is wrong with the journals: each side's counts up by one, and its last entry is by whoever wrote it. */
export function journalsWrong(before: Sides, after: Sides, by: string): string | undefined {
  for (const at of ['S', 'T'] as const) {
    const slot = after[at]?.slot;
    if (!slot || before[at]?.version === after[at]?.version) continue;
    const { journal } = slot;
    const counts = journal.every((entry, i) => i === 0 || entry.seq === journal[i - 1]!.seq + 1);
    const full = journal.length <= LIMITS.journalEntries && lastEntry(slot)?.seq === slot.seq;
    if (!counts || !full) return `and ${at} has ${JSON.stringify(journal)}`;
    if (by !== lastEntry(slot)!.by) return 'but was signed by another';
  }
  return undefined;
}
