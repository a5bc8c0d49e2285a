import type { Side } from '../../machines/moves.ts';
import { PAIR_STATES, type RecordState, type SideRole, STALE } from '../../machines/record.ts';
import { type EntityRule, matches } from '../define/entity.ts';
import { type ErrorCode, HandoverError } from '../errors.ts';
import { letterOf } from '../record/authority.ts';
import type { Content } from '../record/content.ts';
import { Key } from '../record/key.ts';
import { decodeSlot, type Slot } from '../record/slot.ts';
import type { Entity, Version } from '../store/store.ts';
import { isEarlierRun } from './campaigns.ts';

/** One side as it was last seen: its content, its slot, and the version that a replacement must name. */
export interface Held {
  readonly content: Content;
  readonly slot: Slot | undefined;
  readonly version: Version;
}

/**
 * A record in a worker's hands. `replaceable` is rule 2 (hold, look, swap) as data: the sides that were already held
 * when their peer was last observed, and so may be replaced. A side that is not in it must be looked at again first.
 */
export interface Pair {
  readonly rule: EntityRule;
  /** What shadows must say that they were made under: `versionUnder` of the campaign. */
  readonly version?: number | undefined;
  /** The side this pair was found by. */
  readonly scanned: Side;
  keys: { readonly S: Key; readonly T: Key };
  S: Held | undefined;
  T: Held | undefined;
  replaceable: Side | 'both' | 'neither';
}

/** Where S says that its record belongs: an owner by its content, any other by its slot. Throws `transform.to`. */
export function peerOf({ rule, keys }: Pair, S: Held): Key {
  if (S.slot && (S.slot.role !== 'owner' || S.slot.deleted)) return Key.parse(S.slot.peer);
  return rule.targetOf(keys.S, S.content);
}

export const other = (side: Side): Side => (side === 'S' ? 'T' : 'S');

/** Throws `slot.version` or `slot.corrupt`. */
export function hold(entity: Entity | undefined): Held | undefined {
  if (!entity) return undefined;
  const slot = entity.slot === undefined ? undefined : decodeSlot(entity.slot);
  return { content: entity.content, slot, version: entity.version };
}

/**
 * The record that an entity is a side of, with nobody having looked at the other; undefined for an entity that is none
 * of ours. Throws `slot.version`, `slot.corrupt`, `slot.foreign` or `transform.to`.
 */
export function pairOf(rule: EntityRule, campaign: string, entity: Entity, version?: number): Pair | undefined {
  const held = hold(entity)!;
  const place = locate(rule, campaign, entity.key, held);
  if (!place) return undefined;
  const { side, keys } = place;
  const sides = { S: undefined, T: undefined, [side]: held };
  return { rule, version, scanned: side, keys, ...sides, replaceable: side };
}

/**
 * Which home an entity stands in, and the other home's key. An owner at S goes where its content says *now*; any other
 * side was paired by its slot and stays with its peer.
 */
function locate(
  rule: EntityRule,
  campaign: string,
  key: Key,
  held: Held,
): { side: Side; keys: Pair['keys'] } | undefined {
  const slot = ownSlot(held.slot, campaign, key);
  if (slot && (slot.side === 'T' || slot.role !== 'owner')) {
    const peer = Key.parse(slot.peer);
    const keys = slot.side === 'T' ? { S: peer, T: key } : { S: key, T: peer };
    // Homes of several rules may lie in one range of keys: this record is another rule's.
    return matches(rule.from, keys.S) && matches(rule.into, keys.T) ? { side: slot.side, keys } : undefined;
  }
  if (!matches(rule.from, key)) return undefined;
  if (slot?.deleted) return { side: 'S', keys: { S: key, T: Key.parse(slot.peer) } };
  const target = rule.targetOf(key, held.content);
  return target.equals(key) ? undefined : { side: 'S', keys: { S: key, T: target } };
}

/**
 * Whether a slot is a campaign's own to go on from. An owner's that another campaign left says nothing any more: that
 * one is over. What an earlier run of the same migration left in the middle, a client did that moved a late insert under
 * it and died: it is taken over. An announced insert is of no campaign: its client settles it, or lets others withdraw it.
 */
const isOwn = (slot: Slot, campaign: string): boolean =>
  slot.campaign === campaign || slot.role === 'birth' || (!isPlainOwner(slot) && isEarlierRun(slot.campaign, campaign));

const isPlainOwner = ({ role, deleted }: Slot): boolean => role === 'owner' && !deleted;

/** Whether a record is in the middle of another campaign, which alone may move it. */
export const isForeign = (slot: Slot, campaign: string): boolean => !isOwn(slot, campaign) && !isPlainOwner(slot);

/** Whether a slot says nothing any more once its campaign is closed: it is this one's, an earlier run's, or a client's. */
export const isLeftOver = (slot: Slot, campaign: string): boolean =>
  isPlainOwner(slot) && (slot.campaign === campaign || slot.campaign === '' || isEarlierRun(slot.campaign, campaign));

/** The slot, if it is the campaign's own. Throws `slot.foreign`. */
function ownSlot(slot: Slot | undefined, campaign: string, key: Key): Slot | undefined {
  if (!slot || isOwn(slot, campaign)) return slot;
  if (!isForeign(slot, campaign)) return undefined;
  throw new HandoverError('slot.foreign', `${key} is ${slot.role} under campaign ${slot.campaign}.`, {
    key: key.toString(),
    campaign: slot.campaign,
  });
}

/** An entity without a slot is an owner: it was never touched, or its campaign is over. */
export const roleOf = (held: Held | undefined): SideRole => letterOf(held && (held.slot ?? { role: 'owner' }));

/**
 * What the two sides say together. The comparisons are here, so that the machine needs no context: a copy of something
 * else than its peer says is stale, and so is one that was made under another version of the definition.
 */
export function stateOf({ S, T, version }: Pick<Pair, 'S' | 'T' | 'version'>): RecordState {
  const state = PAIR_STATES[`${roleOf(S)}${roleOf(T)}`];
  switch (state) {
    case 'copied':
    case 'handingOver':
      return isFresh(T!, S!, version) ? state : STALE[state];
    case 'reversible':
    case 'handingBack':
      return isFresh(S!, T!, version) ? state : STALE[state];
    default:
      return state;
  }
}

export const isFresh = ({ slot }: Held, of: Held, version: number | undefined): boolean =>
  slot!.of === of.content.fingerprint && slot!.version === version;

/** Why this pair is not one record's two homes, if it is not. */
export function mismatch(pair: Pair, campaign: string): { code: ErrorCode; detail: string } | undefined {
  const { S, T, keys } = pair;
  if (!S || !T) return undefined;
  const slot = T.slot && isOwn(T.slot, campaign) ? T.slot : undefined;
  if (!slot) {
    // An entity without a slot is an owner: fine where S gave the truth to it, a stranger where S still has it.
    return roleOf(S) === 'O'
      ? { code: 'target.occupied', detail: `${keys.S} maps to ${keys.T}, where another entity stands.` }
      : undefined;
  }
  if (slot.side === 'S' || slot.peer !== keys.S.toString()) {
    return {
      code: 'target.collision',
      detail: `${keys.S} maps to ${keys.T}, which ${slot.side === 'S' ? 'is a source itself' : `belongs to ${slot.peer}`}.`,
    };
  }
  return undefined;
}
