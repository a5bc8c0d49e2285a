import type { Side } from '../../machines/moves.ts';
import { type Clock, type Moment, moment } from '../clock.ts';
import type { EntityRule } from '../define/entity.ts';
import { type Held, hold, type Pair, roleOf } from '../engine/pair.ts';
import { type ErrorCode, HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { AUTHORITY } from '../record/authority.ts';
import type { Key } from '../record/key.ts';
import type { Entity, Store } from '../store/store.ts';
import { type Address, type Derived, keysOf, knownKeys, pairedKey } from './address.ts';

/** What a router call works with. */
export interface Tools {
  readonly store: Store;
  readonly rule: EntityRule;
  readonly clock: Clock;
  readonly keys: Derived;
}

/**
 * Both sides as a router call saw them. `replaceable` says whether they were seen at one moment ('both') or each at a
 * moment of its own ('neither'): then only what a single owner says of itself is certain.
 */
export interface Look extends Pair {
  /** When it was begun: what it says may be acted on for `LIMITS.actWithinMs`. */
  readonly at: Moment;
  /** Something stands at the new key that is not this record: the record is served as if nothing did. */
  readonly stranger?: ErrorCode;
}

/** - `glance`: one round trip. - `moment`: both sides at one moment, if it takes several reads (rule 2). */
export type Care = 'glance' | 'moment';

export async function look(address: Address, tools: Tools, care: Care): Promise<Look> {
  let keys = await keysOf(address, tools.rule, tools.store, tools.keys);
  for (let attempt = 0; attempt < LIMITS.routerAttempts; attempt++) {
    const at = moment(tools.clock);
    const { sides, together } = await (care === 'glance' ? glance(keys, tools) : atOneMoment(keys, tools));
    const found = lookOf(keys, sides, tools, at, together);
    if (found.keys.T.equals(keys.T)) return found;
    // The record was paired with another new key than the caller knows.
    keys = found.keys;
  }
  throw new HandoverError('record.contended', `${keys.S} kept changing.`, { key: keys.S.toString() });
}

/**
 * A glance at many records, in as few round trips as the store allows. Undefined for one that takes a look of its own:
 * its address is incomplete, it was paired with another key, or it does not decode.
 */
export async function lookMany(addresses: readonly Address[], tools: Tools): Promise<(Look | undefined)[]> {
  const { store, clock } = tools;
  const together = store.capabilities.snapshotReads;
  const size = Math.max(1, Math.floor(store.capabilities.maxMutations / 2));
  const looks: (Look | undefined)[] = [];
  for (let i = 0; i < addresses.length; i += size) {
    const keys = addresses.slice(i, i + size).map((address) => knownKeys(address, tools.keys));
    const wanted = keys.flatMap((each) => (each ? [each.S, each.T] : []));
    const at = moment(clock);
    const found = [...(await (together ? store.readTogether(wanted) : store.read(wanted)))];
    for (const each of keys) {
      const sides: Sides | undefined = each && [found.shift(), found.shift()];
      looks.push(each && lookOrNot(each, sides!, tools, at, together));
    }
  }
  return looks;
}

function lookOrNot(keys: Pair['keys'], sides: Sides, tools: Tools, at: Moment, together: boolean): Look | undefined {
  try {
    const found = lookOf(keys, sides, tools, at, together);
    return found.keys.T.equals(keys.T) ? found : undefined;
  } catch (error) {
    if (error instanceof HandoverError) return undefined;
    throw error;
  }
}

type Sides = readonly [S: Entity | undefined, T: Entity | undefined];

type Seen = { readonly sides: Sides; readonly together: boolean };

/** Each side at a moment of its own: that one is the owner and the other is not is all that nearly every call asks for. */
async function glance({ S, T }: Pair['keys'], { store }: Tools): Promise<Seen> {
  const [atS, atT] = await store.read([S, T]);
  return { sides: [atS, atT], together: false };
}

/** Without snapshots: S, T, and S again, and T too where there would be no record, until nothing changed in between. */
async function atOneMoment(keys: Pair['keys'], { store }: Tools): Promise<Seen> {
  if (store.capabilities.snapshotReads) {
    const [atS, atT] = await store.readTogether([keys.S, keys.T]);
    return { sides: [atS, atT], together: true };
  }
  const read = async (key: Key) => (await store.read([key]))[0];
  for (let attempt = 0; attempt < LIMITS.routerAttempts; attempt++) {
    const S = await read(keys.S);
    const T = await read(keys.T);
    if (!same(S, await read(keys.S))) continue;
    if (isNothing(S, T) && !same(T, await read(keys.T))) continue;
    return { sides: [S, T], together: true };
  }
  throw new HandoverError('record.contended', `${keys.S} kept changing.`, { key: keys.S.toString() });
}

const same = (a: Entity | undefined, b: Entity | undefined) => a?.version === b?.version;

function isNothing(S: Entity | undefined, T: Entity | undefined): boolean {
  return AUTHORITY[`${roleOf(hold(S))}${roleOf(hold(T))}`].truth.kind === 'absent';
}

/** Two entities as one record's sides. Throws `slot.foreign` where one of them is in the middle of another campaign. */
export function lookOf(
  keys: Pair['keys'],
  [atS, atT]: Sides,
  { rule }: Pick<Tools, 'rule'>,
  at: Moment,
  together: boolean,
): Look {
  const S = own(hold(atS), 'S', keys.S);
  const T = (S && pairedKey(rule, S)) ?? keys.T;
  const pair = {
    rule,
    scanned: 'S',
    keys: { S: keys.S, T },
    S,
    replaceable: together ? 'both' : 'neither',
    at,
  } as const;
  const held = T.equals(keys.T) ? own(hold(atT), 'T', T) : undefined;
  const stranger = held && strangeness(S, held, keys.S);
  return stranger ? { ...pair, T: undefined, stranger } : { ...pair, T: held };
}

/** A slot that says another side is of another campaign: over, if it is an owner's, and then it counts as none. */
function own(held: Held | undefined, side: Side, key: Key): Held | undefined {
  if (!held?.slot || held.slot.side === side) return held;
  if (roleOf(held) === 'O') return { ...held, slot: undefined };
  const { role, campaign } = held.slot;
  throw new HandoverError('slot.foreign', `${key} is ${role} under campaign ${campaign}.`, { key: key.toString() });
}

/** Why what stands at the new key is not this record: as the workers see it, who set such a record aside. */
function strangeness(S: Held | undefined, T: Held, from: Key): ErrorCode | undefined {
  if (T.slot) return T.slot.peer === from.toString() ? undefined : 'target.collision';
  return roleOf(S) === 'O' ? 'target.occupied' : undefined;
}

/** Who holds the truth of a record. */
export interface Truth {
  readonly at: Side;
  readonly held: Held;
  /** It is frozen, and on its way to the other side. */
  readonly ceded: boolean;
}

/** Who holds the truth; undefined when there is no record. Throws `record.split` and `record.corrupt`. */
export function truthOf({ S, T, keys }: Look): Truth | undefined {
  const { truth } = AUTHORITY[`${roleOf(S)}${roleOf(T)}`];
  if (truth.kind === 'split' || truth.kind === 'corrupt') {
    throw new HandoverError(`record.${truth.kind}`, `${keys.S} and ${keys.T}.`, { key: keys.S.toString() });
  }
  if (truth.kind === 'absent' || (truth.kind === 'owner' && truth.deleted)) return undefined;
  return { at: truth.at, held: (truth.at === 'S' ? S : T)!, ceded: truth.kind === 'ceded' };
}

/** Whether the look tells the truth: one owner does, whatever the other side may have become since; all else does not. */
export function isCertain({ S, T, replaceable }: Look): boolean {
  return replaceable === 'both' || isOwner(S) !== isOwner(T);
}

const isOwner = (held: Held | undefined) => roleOf(held) === 'O' || roleOf(held) === 'X';
