import type { FieldState } from '../../machines/field.ts';
import type { Move, Target } from '../../machines/moves.ts';
import type { Verdict } from '../define/entity.ts';
import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Content } from '../record/content.ts';
import { encodeSlot, type JournalEntry, type Slot } from '../record/slot.ts';
import { checkEntity } from '../store/check.ts';
import type { Capabilities, Guard, Mutation, Outcome, Store } from '../store/store.ts';
import { discardedKey } from './documents.ts';
import { type FieldHeld, fieldStateOf, HOLDERS, markOf, nextFieldMove, withParts } from './field.ts';
import type { Actor } from './moves.ts';

type FieldMove = Exclude<Move, { readonly type: 'quarantine' }>;

/** The new content of an entity, with its slot. */
export type FieldWrite = Extract<Mutation, { readonly op: 'update' }> & { readonly slot: string };

/** What is to be done with a record: one write, the moves that it stands for, and where they lead. */
export interface FieldWay {
  readonly state: FieldState;
  readonly moves: readonly FieldMove['type'][];
  /** Unset at rest. */
  readonly write?: FieldWrite;
}

/**
 * All moves to the target, as the one compare-and-set that they come to: nobody sees what is between. `split`: somebody must
 * choose first. Throws what the transforms throw, and what the store could not hold.
 */
export function wayTo(
  held: FieldHeld,
  target: Target,
  actor: Actor,
  capabilities: Capabilities,
): FieldWay | { readonly state: 'split' } {
  const moves: FieldMove['type'][] = [];
  for (let now = held; ; ) {
    const state = fieldStateOf(now);
    if (state === 'split') return { state };
    const step = nextFieldMove(now, state, target);
    if (!step) return { state, moves, ...(moves.length > 0 ? { write: writeOf(held, now, capabilities) } : {}) };
    const move = step.move as FieldMove;
    now = moved(now, move, step.next, actor);
    moves.push(move.type);
  }
}

/** What a move makes of a record: old properties, new ones and the slot. `next`: the state that it leads to. */
export function moved(held: FieldHeld, move: FieldMove, next: FieldState, actor: Actor): FieldHeld {
  const side = HOLDERS[next] === 'new' ? 'T' : 'S';
  return { ...held, ...changed(held, partsAfter(held, move), side, `${move.type} ${move.at}`, actor) };
}

/** Both parts after a move. The way back is tried before a record leaves home. */
function partsAfter(held: FieldHeld, { type, at }: FieldMove): Pick<FieldHeld, 'old' | 'now'> {
  const { old, now } = held;
  switch (type) {
    case 'copy':
    case 'refresh':
      return at === 'T' ? { old, now: forward(held) } : { old: backward(held), now };
    case 'drop':
      return at === 'T' ? { old, now: undefined } : { old: undefined, now };
    default:
      return { old, now };
  }
}

function forward({ rule, key, old }: FieldHeld): Content {
  const now = rule.forward(key, old!);
  if (rule.reversible) rule.backward(key, now);
  return now;
}

function backward({ rule, key, old, now }: FieldHeld): Content {
  if (rule.reversible) return rule.backward(key, now!);
  // No way back, but none is needed where the new ones still say what the old ones became.
  if (old && rule.forward(key, old).equals(now!)) return old;
  throw new HandoverError('reverse.missing', `${key} was modified after the switch.`, { key: key.toString() });
}

function changed(
  { rule, slot: before }: FieldHeld,
  { old, now }: Pick<FieldHeld, 'old' | 'now'>,
  side: Slot['side'],
  move: string,
  { campaign, now: at, worker }: Actor,
): Pick<FieldHeld, 'old' | 'now'> & { readonly slot: Slot } {
  const past: readonly JournalEntry[] = before?.campaign === campaign ? before.journal : [];
  const seq = (past.at(-1)?.seq ?? 0) + 1;
  const slot: Slot = {
    role: 'owner',
    side,
    of: markOf(rule, old, now),
    peer: '',
    campaign,
    seq,
    // A client's mark stays, so that a lost answer can still be settled.
    ...(before?.nonce === undefined ? {} : { nonce: before.nonce }),
    journal: [...past.slice(-(LIMITS.journalEntries - 1)), { seq, move, at: at(), by: worker }],
  };
  return { old, now, slot };
}

/** The compare-and-set that makes a record what it is to be. Throws what the store could not hold. */
export function writeOf(held: FieldHeld, after: FieldHeld, capabilities: Capabilities): FieldWrite {
  const { key, version } = held;
  const content = withParts(held, after.old, after.now);
  const slot = encodeSlot(after.slot!);
  checkEntity(key, content, slot, capabilities);
  return { op: 'update', key, version, content, slot };
}

/**
 * Settles a split: one of both is right from now on, and the other is made of it. What is given up is kept first, so that
 * a crash in between leaves the split, which is found again. Resolves with what became of the compare-and-set; undefined
 * where what is given up may not have been kept: then look again. Throws what the transforms throw.
 */
export async function settleField(
  { store, actor, guard }: { readonly store: Store; readonly actor: Actor; readonly guard?: Guard | undefined },
  held: FieldHeld,
  verdict: Verdict,
): Promise<Outcome | undefined> {
  const { rule, key, version, old, now, content, slot } = held;
  // It stays with whom it was: a campaign on its way back has it at home, whoever is right.
  const side = slot?.side ?? 'S';
  const right = typeof verdict === 'object' ? verdict.write : verdict === 'new' ? now : undefined;
  const parts =
    verdict === 'old'
      ? { old, now: old && rule.forward(key, old) }
      : { old: rule.reversible ? right && rule.backward(key, right) : side === 'T' ? undefined : old, now: right };
  if (verdict !== 'old' && side === 'S' && !rule.reversible)
    throw new HandoverError('reverse.missing', `${key} is at home, and nothing makes old properties of the new ones.`);
  const after = { ...held, ...changed(held, parts, side, `resolve ${verdict === 'old' ? 'S' : 'T'}`, actor) };
  const mutation = writeOf(held, after, store.capabilities);
  const keep = discardedKey(actor.campaign, key, version);
  const [kept] = await store.commit([{ op: 'insert', key: keep, content }]);
  if (kept!.status === 'refused') throw new HandoverError(kept!.code, kept!.cause);
  if (kept!.status !== 'applied') {
    // An attempt before may have kept the very same.
    const [there] = await store.read([keep]);
    if (!there?.content.equals(content)) return undefined;
  }
  const [outcome] = await store.commit([mutation], guard);
  return outcome!;
}
