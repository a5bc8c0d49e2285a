import { type Key, key, type Properties, type Value } from 'handover';
import { type Place, placeAt, regionOf } from './places.ts';
import { bytes, flag, list, longText, moment, nested, nothing, point, real, text, whole } from './values.ts';

/**
 * The reader's records, made from nothing but their number: the seed writes them, the writer finds its way by them, and
 * the proof makes them again to say what must have arrived. A place's number decides everything, chance nothing.
 */
export type Kind = 'Feed' | 'Article' | 'Note';
export const KINDS: readonly Kind[] = ['Feed', 'Article', 'Note'];

export interface FeedRecord {
  readonly kind: Kind;
  /** A region: nearly four thousand users, most with a handful of records, a few with thousands. */
  readonly user: string;
  /** Where an early version of the application put it: alone, at the root. */
  readonly from: Key;
  /** Where it belongs: with everything else of its user. */
  readonly into: Key;
  readonly place: Place;
}

/** Of five records, two are feeds, two are articles and one is a note. */
export const kindAt = (n: number): Kind => (['Feed', 'Article', 'Feed', 'Article', 'Note'] as const)[n % 5]!;

export function recordAt(n: number): FeedRecord {
  const place = placeAt(n);
  const kind = kindAt(n);
  const user = regionOf(place);
  const id = kind === 'Article' ? slugOf(place, n) : savedAs(n);
  return { kind, user, from: key(kind, id), into: key('User', user, kind, id), place };
}

/** The number of the record that has this id, whatever stands at its key. Undefined for an id that no record has. */
export function numberOf(kind: string, id: bigint | string, records: number): number | undefined {
  const n = numberedAs(typeof id === 'bigint' ? Number(id) : Number.parseInt(id, 36));
  return n < records && kindAt(n) === kind ? n : undefined;
}

// Ids are given in the order in which things are saved, by all users at once. A user saves some things in a row, then
// others do: so neighbours in the old home belong together by the dozen, and the next dozen to somebody far away.
// An odd factor permutes the 28-bit integers, and its inverse brings each one back.
const IN_A_ROW = 16;
const FACTOR = 0x9e3779b1;
const INVERSE = 0x0e8b2f51;
const MASK = 2 ** 28 - 1;

function savedAs(n: number): number {
  const turn = (Math.imul(Math.floor(n / IN_A_ROW) + 1, FACTOR) & MASK) >>> 0;
  return turn * IN_A_ROW + (n % IN_A_ROW) + 1;
}

function numberedAs(id: number): number {
  const turn = ((Math.imul(Math.floor((id - 1) / IN_A_ROW), INVERSE) & MASK) >>> 0) - 1;
  return turn < 0 ? Number.POSITIVE_INFINITY : turn * IN_A_ROW + ((id - 1) % IN_A_ROW);
}

/** A readable name, in whatever script the place is written, with what makes it unique in front. */
function slugOf({ name }: Place, n: number): string {
  const unique = savedAs(n).toString(36).padStart(7, '0');
  return `${unique}-${name.toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, '-')}`;
}

/** One feed in two hundred is pushed: its news site has a hub, which posts to the application. What its callback is called. */
export const pushAt = (n: number): string | undefined =>
  n % 500 === 0 ? Buffer.from(bytesOf(n, 12)).toString('base64url') : undefined;

/** The record as the early application wrote it. */
export function contentAt(n: number): Properties {
  const { kind, user, place } = recordAt(n);
  const own = kind === 'Feed' ? feed(n, place) : kind === 'Article' ? article(n, place) : note(n, place);
  return new Map(Object.entries({ user: text(user), ...own, visits: whole(0), lastVisit: text('') }));
}

const EPOCH = 1_200_000_000;

function feed(n: number, { name, country, admin1, admin2, lat, lng }: Place): Record<string, Value> {
  return {
    title: text(`${name}: local news`),
    ...(pushAt(n) === undefined ? {} : { push: text(pushAt(n)!) }),
    url: text(`https://news.example/${country}/${admin1}/${n}.rss`),
    lat: text(lat),
    lng: text(lng),
    region: nested({ country: text(country), admin1: text(admin1), admin2: admin2 ? text(admin2) : nothing }),
    topics: list(text('local'), text(country), whole(n % 7)),
    active: flag(n % 11 !== 0),
    rating: real((n % 50) / 10),
    cursor: whole(2n ** 60n + BigInt(n)),
    etag: bytes(bytesOf(n, 8)),
    subscribedAt: moment(EPOCH + n * 991, (n % 1000) * 1_000_000),
    about: longText(prose(n, name, 2)),
  };
}

function article(n: number, { name, country }: Place): Record<string, Value> {
  return {
    headline: text(`What is new in ${name}?`),
    link: text(`https://news.example/${country}/articles/${n}`),
    added: moment(EPOCH + n * 1013, (n % 999_999) * 1000),
    read: flag(n % 3 === 0),
    progress: real((n % 101) / 100),
    tags: list(...(n % 4 === 0 ? [] : [text(country), text(name)])),
    digest: bytes(bytesOf(n, 16)),
    body: longText(prose(n, name, 5)),
  };
}

function note(n: number, { name, lat, lng }: Place): Record<string, Value> {
  return {
    text: longText(prose(n, name, 3)),
    where: point(Number(lat), Number(lng)),
    pinned: flag(n % 17 === 0),
    writtenAt: moment(EPOCH + n * 1009),
    // A list of everything, as schemaless stores collect them.
    bits: list(whole(n), real(n), nothing, flag(true), nested({ of: text(name), weight: real(-n / 3) })),
  };
}

function bytesOf(n: number, length: number): Buffer {
  const buffer = Buffer.alloc(length);
  for (let i = 0; i + 4 <= length; i += 4) buffer.writeUInt32BE(Math.imul(n + i + 1, FACTOR) >>> 0, i);
  return buffer;
}

const SENTENCES = [
  (name: string) => `The council of ${name} met on Tuesday and agreed on the new bridge. `,
  (name: string) => `Rain is expected over ${name} until the weekend, then clearer skies. `,
  (name: string) => `The market of ${name} opens an hour earlier from next month on. `,
  (name: string) => `A school in ${name} has won the regional prize for its garden. `,
  (name: string) => `Trains to ${name} run on the old line again, every half hour. `,
];

function prose(n: number, name: string, sentences: number): string {
  let written = '';
  for (let i = 0; i < sentences + (n % 3); i++) written += SENTENCES[(n + i) % SENTENCES.length]!(name);
  return written;
}
