import { createHash } from 'node:crypto';
import { parseFeed } from 'feedsmith';
import { SaxesParser, type SaxesTagNS } from 'saxes';
import { LIMITS } from '../limits.ts';

/** One entry of a feed, as a delivery of its own. */
export interface FeedEntry {
  readonly feed: string;
  readonly id: string;
  readonly updated: string;
  /** Of the entry in canonical form. */
  readonly hash: string;
  /** The feed as it came, without its other entries: a whole document, in UTF-8. */
  readonly document: Uint8Array;
}

interface Cut {
  readonly start: number;
  readonly end: number;
  readonly hash: string;
}

const ATOM = 'http://www.w3.org/2005/Atom';
const ATOM_03 = 'http://purl.org/atom/ns#';
/** RFC 6721: an entry that was deleted is told as one of these. */
const TOMBSTONES = 'http://purl.org/atompub/tombstones/1.0';
const RSS_1 = 'http://purl.org/rss/1.0/';

const ENTRIES = new Set([`${ATOM} entry`, `${ATOM_03} entry`, `${TOMBSTONES} deleted-entry`, ' item', `${RSS_1} item`]);
const ROOTS = /^(feed|rss|RDF)$/;

/**
 * The entries of an Atom or RSS feed, or undefined where the body is no feed, or one without entries. A hub may send the
 * whole feed to one URL and only what is new to the other, in other bytes: entries are what both have in common.
 *
 * The feed library keeps what it knows of, so it says what an entry is called; whether two are the same is decided by all
 * of the entry, known or not.
 */
export function entriesOf(body: Uint8Array): readonly FeedEntry[] | undefined {
  const text = textOf(body);
  const cuts = text === undefined ? [] : cutsOf(text);
  if (text === undefined || cuts.length === 0 || cuts.length > LIMITS.feedEntries) return undefined;
  const gaps = gapsOf(text, cuts);
  const shared = gaps.reduce((sum, { length }) => sum + length, 0);
  if (shared * cuts.length > LIMITS.feedSharedCharacters) return undefined;
  return cuts.map(({ start, end, hash }, i) => {
    const document = gaps.slice(0, i + 1).join('') + text.slice(start, end) + gaps.slice(i + 1).join('');
    return { ...namesOf(document), hash, document: Buffer.from(document) };
  });
}

/** What stands before, between and after the entries; between them mostly white space, which many would add up to much. */
function gapsOf(text: string, cuts: readonly Cut[]): readonly string[] {
  const gaps = cuts.map(({ start }, i) => text.slice(cuts[i - 1]?.end ?? 0, start));
  const between = gaps.slice(1).map((gap) => (/\S/.test(gap) ? gap : ''));
  return [gaps[0]!, ...between, text.slice(cuts[cuts.length - 1]!.end)];
}

/** In the encoding that the document names. What is cut out of it is UTF-8, and must not name another one. */
function textOf(body: Uint8Array): string | undefined {
  const head = Buffer.from(body.subarray(0, 200)).toString('latin1');
  const declared = /^(?:\xef\xbb\xbf)?<\?xml[^>]*?\sencoding\s*=\s*["']([\w.:-]+)["']/.exec(head)?.[1];
  const utf16 =
    body[0] === 0xff && body[1] === 0xfe ? 'utf-16le' : body[0] === 0xfe && body[1] === 0xff ? 'utf-16be' : undefined;
  try {
    const text = new TextDecoder(utf16 ?? declared ?? 'utf-8', { fatal: true }).decode(body);
    return text.replace(/^(<\?xml[^>]*?)\s+encoding\s*=\s*(["'])[\w.:-]+\2/, '$1');
  } catch {
    return undefined;
  }
}

/** Where the entries stand in the text. Only well-formed XML has any: nothing is guessed. */
function cutsOf(text: string): readonly Cut[] {
  const cuts: Cut[] = [];
  const parser = new SaxesParser({ xmlns: true });
  let depth = 0;
  let entry: { readonly depth: number; readonly start: number; readonly form: Canonical } | undefined;
  let failed = false;
  parser.on('error', () => {
    failed = true;
  });
  parser.on('opentag', (tag) => {
    depth++;
    if (depth === 1 && !ROOTS.test(tag.local)) failed = true;
    // Entries are children of the root or of its channel. Within a start tag there is no `<` but its own.
    if (!entry && depth > 1 && depth <= 3 && ENTRIES.has(nameOf(tag))) {
      entry = { depth, start: text.lastIndexOf('<', parser.position - 1), form: new Canonical() };
    }
    entry?.form.open(tag);
  });
  parser.on('text', (part) => entry?.form.text(part));
  parser.on('cdata', (part) => entry?.form.text(part));
  parser.on('closetag', () => {
    entry?.form.close();
    if (entry?.depth === depth) {
      cuts.push({ start: entry.start, end: parser.position, hash: entry.form.hash() });
      entry = undefined;
    }
    depth--;
  });
  parser.write(text).close();
  return failed ? [] : cuts;
}

const nameOf = ({ uri, local }: Pick<SaxesTagNS, 'uri' | 'local'>): string => `${uri} ${local}`;

/**
 * An element by what it means: names with their namespaces, attributes in order; no indentation, and no white space next
 * to an element's own tags, but all that stands between a text and an element beside it.
 */
class Canonical {
  readonly #parts: unknown[] = [];
  #text = '';
  #opened = false;

  open(tag: SaxesTagNS): void {
    this.#flush(false);
    const attributes = Object.values(tag.attributes)
      .filter(({ prefix, name }) => prefix !== 'xmlns' && name !== 'xmlns')
      .map((attribute) => [nameOf(attribute), attribute.value] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1));
    this.#parts.push([nameOf(tag), attributes]);
    this.#opened = true;
  }

  text(part: string): void {
    this.#text += part;
  }

  close(): void {
    this.#flush(true);
    this.#parts.push(0);
  }

  hash(): string {
    return createHash('sha256').update(JSON.stringify(this.#parts)).digest('base64url');
  }

  #flush(closing: boolean): void {
    const text = this.#opened ? this.#text.trimStart() : this.#text;
    if (/\S/.test(text)) this.#parts.push(closing ? text.trimEnd() : text);
    this.#text = '';
    this.#opened = false;
  }
}

/** What feed and entry are called, as far as they say. */
function namesOf(document: string): Pick<FeedEntry, 'feed' | 'id' | 'updated'> {
  try {
    const parsed = parseFeed(document);
    if (parsed.format === 'atom') {
      const [entry] = parsed.feed.entries ?? [];
      return { feed: parsed.feed.id ?? '', id: entry?.id ?? '', updated: entry?.updated ?? '' };
    }
    if (parsed.format === 'rss') {
      const [item] = parsed.feed.items ?? [];
      const id = item?.guid?.value ?? item?.link ?? '';
      return { feed: parsed.feed.link ?? '', id, updated: item?.pubDate ?? '' };
    }
    if (parsed.format === 'rdf') {
      const [item] = parsed.feed.items ?? [];
      return { feed: parsed.feed.link ?? '', id: item?.link ?? '', updated: item?.dc?.dates?.[0] ?? '' };
    }
  } catch {
    // The hash tells it from others all the same.
  }
  return { feed: '', id: '', updated: '' };
}
