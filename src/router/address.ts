import { type EntityRule, matches } from '../define/entity.ts';
import { type Held, hold, type Pair } from '../engine/pair.ts';
import { HandoverError } from '../errors.ts';
import { Key } from '../record/key.ts';
import type { Store } from '../store/store.ts';

/** A record's two keys, or the one of them that is known. */
export type Address =
  | { readonly from: Key; readonly into: Key }
  | { readonly from: Key; readonly into?: undefined }
  | { readonly from?: undefined; readonly into: Key };

/** For keys that tell one another: then an address of one key costs nothing, and works when the old home is gone. */
export interface Derived {
  /** The new key of an old one. */
  readonly into?: (from: Key) => Key;
  /** The old key of a new one. */
  readonly from?: (into: Key) => Key;
}

type Keys = Pair['keys'];

/** Both keys, as far as they are known without a look. */
export function knownKeys({ from, into }: Address, derived: Derived): Keys | undefined {
  const S = from ?? derived.from?.(into!);
  const T = into ?? derived.into?.(from!);
  return S && T && { S, T };
}

/** Both keys of an address. What is not known is asked of the record itself; throws `address.incomplete`. */
export async function keysOf(address: Address, rule: EntityRule, store: Store, derived: Derived): Promise<Keys> {
  const known = knownKeys(address, derived);
  if (known) return known;
  const { from, into } = address;
  if (from) return { S: from, T: newKeyIn(rule, from, await held(store, from)) };
  return { S: oldKeyIn(rule, into!, await held(store, into!)), T: into! };
}

const held = async (store: Store, key: Key) => hold((await store.read([key]))[0]);

/** What stands at the old home knows its new key: by its slot once it was paired, else by what it says. */
function newKeyIn(rule: EntityRule, from: Key, S: Held | undefined): Key {
  const paired = S && pairedKey(rule, S);
  if (paired) return paired;
  if (S) return rule.targetOf(from, S.content);
  throw incomplete(`${from} holds nothing, so that its new key is not known`);
}

function oldKeyIn(rule: EntityRule, into: Key, T: Held | undefined): Key {
  const peer = T?.slot?.side === 'T' ? Key.parse(T.slot.peer) : undefined;
  if (peer && matches(rule.from, peer)) return peer;
  throw incomplete(`${into} does not say which old key it came from`);
}

/** The new key that a side at the old home was paired with; undefined where it never was, under this rule. */
export function pairedKey(rule: EntityRule, { slot }: Held): Key | undefined {
  if (slot?.side !== 'S' || slot.peer === '') return undefined;
  const peer = Key.parse(slot.peer);
  return matches(rule.into, peer) ? peer : undefined;
}

const incomplete = (why: string) => new HandoverError('address.incomplete', `${why}.`);
