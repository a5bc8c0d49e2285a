import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';

/** The property that carries a record's own state, beside its content, in the same entity. */
export const SLOT_PROPERTY = '_handover';
export const SLOT_VERSION = 1;

/**
 * - `owner`: the truth; with `deleted` a tombstone
 * - `shadow`: a copy, `of` the fingerprint of the content it was made from
 * - `ceded`: gave the truth away; its content is frozen, `of` its fingerprint
 * - `birth`: an insert that is announced and not settled
 */
export type Role = 'owner' | 'shadow' | 'ceded' | 'birth';

export interface Slot {
  readonly role: Role;
  readonly deleted?: true;
  /** The home this entity stands in: where both homes have keys of one shape, nothing else tells. */
  readonly side: 'S' | 'T';
  /** Fingerprint of the content this side was made from (shadow), frozen at (ceded), or promoted with (owner). */
  readonly of: string;
  /** The key of the other home, as text. */
  readonly peer: string;
  /** The campaign's id. */
  readonly campaign: string;
  /** Moves made on this pair so far; grows by one with each. */
  readonly seq: number;
  /** Names the last write of a client, so that one whose answer was lost can find out. */
  readonly nonce?: string;
  /** The last moves of this pair, oldest first. */
  readonly journal: readonly JournalEntry[];
}

export interface JournalEntry {
  readonly seq: number;
  /** What was done, and on which side: `copy T`. */
  readonly move: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** The worker that did it. */
  readonly by: string;
}

const ROLES: Readonly<Record<string, Role>> = { O: 'owner', H: 'shadow', C: 'ceded', B: 'birth' };
const LETTER: Readonly<Record<Role, string>> = { owner: 'O', shadow: 'H', ceded: 'C', birth: 'B' };

/**
 * The slot as text: one JSON object, short because every record carries one, readable because people debug with it.
 * `{"v":1,"r":"H","s":"T","f":"<of>","p":"Feed:7","c":"<campaign>","n":1,"j":"1 copy T 1763840000000 w1;..."}`
 */
export function encodeSlot(slot: Slot): string {
  let journal = '';
  for (const { seq, move, at, by } of slot.journal) journal += `${journal && ';'}${seq} ${move} ${at} ${by}`;
  const text =
    `{"v":${SLOT_VERSION},"r":"${LETTER[slot.role]}${slot.deleted ? 'X' : ''}","s":"${slot.side}","f":"${slot.of}",` +
    `"p":${quote(slot.peer)},"c":${quote(slot.campaign)},"n":${slot.seq},"j":${quote(journal)}` +
    `${slot.nonce === undefined ? '' : `,"w":${quote(slot.nonce)}`}}`;
  if (slot.journal.length > LIMITS.journalEntries) throw new HandoverError('slot.corrupt', 'Its journal is too long.');
  return text;
}

const PLAIN = /^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/;
const quote = (text: string): string => (PLAIN.test(text) ? `"${text}"` : JSON.stringify(text));

/** Throws `slot.version` for a slot of a later version and `slot.corrupt` for one that does not decode. */
export function decodeSlot(text: string): Slot {
  let raw: Record<string, unknown>;
  try {
    raw = JSON.parse(text) as Record<string, unknown>;
  } catch {
    throw corrupt(text, 'it is not JSON');
  }
  if (typeof raw !== 'object' || raw === null) throw corrupt(text, 'it is not an object');
  if (typeof raw['v'] !== 'number') throw corrupt(text, 'it has no version');
  if (raw['v'] !== SLOT_VERSION) {
    throw new HandoverError('slot.version', `The slot has version ${raw['v']}; this is ${SLOT_VERSION}.`, {
      slot: text,
    });
  }
  const { r, s, f, p, c, n, j, w } = raw as Record<string, string> & { n: number };
  const role = typeof r === 'string' ? ROLES[r[0]!] : undefined;
  if (!role || (r !== r![0] && r !== 'OX')) throw corrupt(text, `it has no role ${JSON.stringify(r)}`);
  if (typeof f !== 'string' || typeof p !== 'string' || typeof c !== 'string' || typeof j !== 'string') {
    throw corrupt(text, 'a field is missing');
  }
  if (s !== 'S' && s !== 'T') throw corrupt(text, 'it names no side');
  if (!Number.isSafeInteger(n) || n < 0) throw corrupt(text, 'its sequence number is not one');
  if (w !== undefined && typeof w !== 'string') throw corrupt(text, 'its nonce is not text');
  return {
    role,
    ...(r === 'OX' ? { deleted: true as const } : {}),
    side: s,
    of: f,
    peer: p,
    campaign: c,
    seq: n,
    ...(w === undefined ? {} : { nonce: w }),
    journal: j === '' ? [] : j.split(';').map((entry) => decodeEntry(entry, text)),
  };
}

function decodeEntry(entry: string, slot: string): JournalEntry {
  const [seq, verb, side, at, by] = entry.split(' ');
  if (by === undefined) throw corrupt(slot, `its journal has ${JSON.stringify(entry)}`);
  return { seq: Number(seq), move: `${verb} ${side}`, at: Number(at), by };
}

function corrupt(slot: string, why: string): HandoverError {
  return new HandoverError('slot.corrupt', `The slot is not readable: ${why}.`, { slot: slot.slice(0, 500) });
}
