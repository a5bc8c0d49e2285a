import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';

/** The property that carries a record's own state, beside its content, in the same entity. */
export const SLOT_PROPERTY = '_handover';
const SLOT_VERSION = 1;

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
  /** Of a shadow: the definition's version that it was made under; absent: the one its campaign was started with. */
  readonly version?: number;
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

const FIELDS: ReadonlySet<string> = new Set(['v', 'r', 's', 'f', 'p', 'c', 'n', 'j', 'w', 'd']);
const ENTRY = /^(\d{1,15}) ([^ ;]+ [^ ;]+) (\d{1,15}) ([^;]+)$/;

/**
 * The slot as text: one JSON object, short because every record carries one, readable because people debug with it.
 * `{"v":1,"r":"H","s":"T","f":"<of>","p":"Feed:7","c":"<campaign>","n":1,"j":"1 copy T 1763840000000 w1;..."}`
 * Throws `slot.corrupt` for what `decodeSlot` would refuse: better no write than one that nobody can read.
 */
export function encodeSlot(slot: Slot): string {
  const { role, deleted, side, of, peer, campaign, seq, nonce, version } = slot;
  if (!Number.isSafeInteger(seq) || seq < 0) throw unwritable(slot, `its sequence number is ${seq}`);
  if (deleted && role !== 'owner') throw unwritable(slot, `a ${role} cannot be deleted`);
  if (of === '' && (role === 'shadow' || role === 'ceded')) throw unwritable(slot, `a ${role} is of something`);
  if (version !== undefined && (role !== 'shadow' || !isVersion(version)))
    throw unwritable(slot, `a ${role} is not of version ${version}`);
  if (slot.journal.length > LIMITS.journalEntries) throw unwritable(slot, 'its journal is too long');
  const head = `{"v":${SLOT_VERSION},"r":"${LETTER[role]}${deleted ? 'X' : ''}","s":"${side}","f":${quote(of)},"p":${quote(peer)}`;
  const tail = `${nonce === undefined ? '' : `,"w":${quote(nonce)}`}${version === undefined ? '' : `,"d":${version}`}`;
  return `${head},"c":${quote(campaign)},"n":${seq},"j":${journalJson(slot)}${tail}}`;
}

const isVersion = (given: unknown): given is number => Number.isSafeInteger(given) && (given as number) >= 1;

/** The journal that was encoded last: records that took the same moves at the same moment share one (moves.ts). */
let encoded: { readonly journal: Slot['journal']; readonly json: string } | undefined;

function journalJson(slot: Slot): string {
  if (slot.journal !== encoded?.journal) encoded = { journal: slot.journal, json: quote(encodeJournal(slot)) };
  return encoded.json;
}

function encodeJournal(slot: Slot): string {
  const entries = slot.journal.map(({ seq, move, at, by }) => `${seq} ${move} ${at} ${by}`);
  const wrong = entries.find((entry) => !ENTRY.test(entry));
  if (wrong !== undefined) throw unwritable(slot, `its journal has ${JSON.stringify(wrong)}`);
  return entries.join(';');
}

const PLAIN = /^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/;
const quote = (text: string): string => (PLAIN.test(text) ? `"${text}"` : JSON.stringify(text));

/**
 * Whether the text is a living owner's at T under this campaign, told without decoding it: `encodeSlot` is the only
 * writer, and writes these fields first and in this order. False says nothing: decode it.
 */
export function isOwnerAtNewHome(text: string, campaign: string): boolean {
  if (campaign !== ours.campaign) ours = { campaign, field: `","c":${quote(campaign)},"n":` };
  return text.startsWith(OWNER_AT_T) && text.includes(ours.field);
}

/** Whether the text is a shadow's, told in the same way. False says nothing: decode it. */
export const isShadow = (text: string): boolean => text.startsWith(SHADOW);
const SHADOW = `{"v":${SLOT_VERSION},"r":"${LETTER.shadow}","s":"`;

// A sweep asks of one campaign at a time, once for each record.
let ours: { readonly campaign: string | undefined; readonly field: string } = { campaign: undefined, field: '' };
const OWNER_AT_T = `{"v":${SLOT_VERSION},"r":"${LETTER.owner}","s":"T","f":"`;

type Raw = Partial<Record<'v' | 'r' | 's' | 'f' | 'p' | 'c' | 'n' | 'j' | 'w' | 'd', unknown>>;

/** Throws `slot.version` for a slot of another version and `slot.corrupt` for one that does not decode. */
export function decodeSlot(text: string): Slot {
  const { r, s, f, p, c, n, j, w, d } = parse(text);
  const role = typeof r === 'string' ? ROLES[r[0]!] : undefined;
  if (!role || (r !== LETTER[role] && r !== 'OX')) throw corrupt(text, `it has no role ${JSON.stringify(r)}`);
  if (s !== 'S' && s !== 'T') throw corrupt(text, 'it names no side');
  if (typeof f !== 'string' || typeof p !== 'string' || typeof c !== 'string' || typeof j !== 'string') {
    throw corrupt(text, 'a field is missing');
  }
  if (f === '' && (role === 'shadow' || role === 'ceded')) throw corrupt(text, `a ${role} is of something`);
  if (typeof n !== 'number' || !Number.isSafeInteger(n) || n < 0) throw corrupt(text, 'its sequence number is not one');
  if (w !== undefined && typeof w !== 'string') throw corrupt(text, 'its nonce is not text');
  if (d !== undefined && (role !== 'shadow' || !isVersion(d))) throw corrupt(text, `it is not of version ${d}`);
  return {
    role,
    ...(r === 'OX' ? { deleted: true as const } : {}),
    side: s,
    of: f,
    peer: p,
    campaign: c,
    seq: n,
    ...(w === undefined ? {} : { nonce: w }),
    ...(d === undefined ? {} : { version: d }),
    journal: decodeJournal(j, text),
  };
}

function parse(text: string): Raw {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    throw corrupt(text, 'it is not JSON');
  }
  if (typeof raw !== 'object' || raw === null) throw corrupt(text, 'it is not an object');
  const { v } = raw as Raw;
  if (typeof v !== 'number' || !Number.isInteger(v) || v < 1) throw corrupt(text, 'it has no version');
  if (v !== SLOT_VERSION) {
    const detail = `The slot has version ${v}; this is ${SLOT_VERSION}.`;
    throw new HandoverError('slot.version', detail, { slot: text.slice(0, 500) });
  }
  // Writing the slot again would drop what is not known here.
  for (const name of Object.keys(raw)) if (!FIELDS.has(name)) throw corrupt(text, `it has a field ${name}`);
  return raw as Raw;
}

/** The journal that was decoded last: records that share one lie beside each other. */
let decoded: { readonly text: string; readonly journal: Slot['journal'] } | undefined;
const NONE: Slot['journal'] = [];

function decodeJournal(text: string, slot: string): Slot['journal'] {
  if (text === '') return NONE;
  if (text !== decoded?.text) decoded = { text, journal: text.split(';').map((entry) => decodeEntry(entry, slot)) };
  return decoded.journal;
}

function decodeEntry(entry: string, slot: string): JournalEntry {
  const parts = ENTRY.exec(entry);
  if (!parts) throw corrupt(slot, `its journal has ${JSON.stringify(entry)}`);
  return { seq: Number(parts[1]), move: parts[2]!, at: Number(parts[3]), by: parts[4]! };
}

function corrupt(slot: string, why: string): HandoverError {
  return new HandoverError('slot.corrupt', `The slot is not readable: ${why}.`, { slot: slot.slice(0, 500) });
}

function unwritable({ role, side, peer, campaign }: Slot, why: string): HandoverError {
  return new HandoverError('slot.corrupt', `The slot is not writable: ${why}.`, { role, side, peer, campaign });
}
