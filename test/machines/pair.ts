import type { Move, Side } from '../../machines/moves.ts';
import { PAIR_STATES, type RecordState, type SideRole, STALE } from '../../machines/record.ts';

/**
 * One record's two entities in the abstract: just enough of them to say what is true and what a move leaves behind.
 * Contents are small numbers, and a content is its own fingerprint. An entity is never changed in place, so that being
 * the same object means being at the same version.
 */
export interface Entity {
  readonly role: Exclude<SideRole, '-'>;
  readonly value: number;
  /** The fingerprint in the slot: what a shadow was made from, what a ceded side froze. */
  readonly of: number;
}

export interface Pair {
  readonly S: Entity | null;
  readonly T: Entity | null;
}

/** The truth of a record that does not exist. */
export const NOTHING = 0;

export const other = (side: Side): Side => (side === 'S' ? 'T' : 'S');
export const owner = (value: number): Entity => ({ role: 'O', value, of: 0 });
export const tombstone = (): Entity => ({ role: 'X', value: NOTHING, of: 0 });
export const shadow = (value: number): Entity => ({ role: 'H', value, of: value });
export const ceded = (value: number): Entity => ({ role: 'C', value, of: value });
export const birth = (value: number): Entity => ({ role: 'B', value, of: 0 });

export const roleOf = (entity: Entity | null): SideRole => entity?.role ?? '-';
const isOwner = (entity: Entity | null) => entity?.role === 'O' || entity?.role === 'X';
const isCeded = (entity: Entity | null) => entity?.role === 'C';

/** P1: never two owners, never two ceded. */
export const isSplit = ({ S, T }: Pair): boolean => (isOwner(S) && isOwner(T)) || (isCeded(S) && isCeded(T));

/** The owner's value; with no owner, the ceded side's frozen value; with neither, nothing. Not defined for a split. */
export function truth({ S, T }: Pair): number {
  const holder = [S, T].find(isOwner) ?? [S, T].find(isCeded);
  return holder?.value ?? NOTHING;
}

/** The state of the record machine, worked out here anew from the two tables beside the machine. */
export function stateOf({ S, T }: Pair): RecordState {
  const state: RecordState = PAIR_STATES[`${roleOf(S)}${roleOf(T)}`];
  const [copy, original] = state === 'copied' || state === 'handingOver' ? [T, S] : [S, T];
  return state in STALE && copy!.of !== original!.value ? STALE[state as keyof typeof STALE] : state;
}

/** What a move makes of the pair, as data: which sides it replaces, and with what. */
export function effectOf(move: Move, { S, T }: Pair): Partial<Pair> {
  if (move.type === 'quarantine') return {};
  const at = (side: Side) => (side === 'S' ? S : T)!;
  switch (move.type) {
    case 'copy':
    case 'refresh':
    case 'demote':
      return { [move.at]: shadow(at(other(move.at)).value) };
    case 'cede':
      return { [move.at]: ceded(at(move.at).value) };
    case 'promote':
      return { [move.at]: owner(at(move.at).value) };
    case 'drop':
      return { [move.at]: null };
    case 'pass': {
      const from = at(other(move.at));
      return { [move.at]: owner(from.value), [other(move.at)]: move.leave === 'ceded' ? ceded(from.value) : null };
    }
  }
}

export const apply = (move: Move, pair: Pair): Pair => ({ ...pair, ...effectOf(move, pair) });

/** Short form for messages: `O1/H1~0`, where `~` tells the fingerprint of a shadow that was made from another value. */
export function show({ S, T }: Pair): string {
  const one = (entity: Entity | null) => {
    if (!entity) return '-';
    return entity.role + (entity.role === 'X' ? '' : entity.value) + (entity.role === 'H' ? `~${entity.of}` : '');
  };
  return `${one(S)}/${one(T)}`;
}
