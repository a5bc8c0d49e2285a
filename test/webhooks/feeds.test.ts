import { parseFeed } from 'feedsmith';
import { describe, expect, test } from 'vitest';
import { LIMITS } from '../../src/limits.ts';
import { entriesOf } from '../../src/webhooks/feeds.ts';
import { applied, signed, world } from './world.ts';

const ATOM = 'xmlns="http://www.w3.org/2005/Atom"';
const entry = (id: string, title = id, more = '') =>
  `<entry><id>urn:${id}</id><updated>2026-01-01T00:00:00Z</updated><title>${title}</title>${more}</entry>`;
const atom = (...entries: string[]) =>
  `<?xml version="1.0" encoding="utf-8"?>\n<feed ${ATOM}><id>urn:f</id><title>T</title>\n${entries.join('\n')}\n</feed>`;
const rss = (...items: string[]) =>
  `<rss version="2.0"><channel><title>T</title><link>https://example.org/</link>${items.join('')}</channel></rss>`;
const item = (guid: string, title = guid) => `<item><guid>${guid}</guid><title>${title}</title></item>`;

const entries = (text: string, encoding: BufferEncoding = 'utf8') => entriesOf(Buffer.from(text, encoding));
const hashes = (text: string) => entries(text)!.map(({ hash }) => hash);

describe('a feed is as many deliveries as it has entries', () => {
  test('the whole on one URL and only what is new on the other', async () => {
    const w = await world({ callback: { protocol: 'feed' } });
    const [first, full, diff] = [atom(entry('1')), atom(entry('2'), entry('1')), atom(entry('2'))];
    for (const [side, body] of [
      ['old', first],
      ['new', first],
      ['old', full],
      ['new', diff],
    ] as const) {
      expect((await w.post(side, body, signed(body))).status).toBe(202);
    }
    const bodies = await applied(w.inbox);
    const ids = bodies.map((body) => {
      const parsed = parseFeed(body);
      return parsed.format === 'atom' ? parsed.feed.entries!.map(({ id }) => id) : [];
    });
    expect(ids.sort()).toEqual([['urn:1'], ['urn:2']]);
  });

  test('an entry that was changed is another one, even if its time was not', async () => {
    const w = await world({ callback: { protocol: 'feed' } });
    for (const title of ['a', 'b', 'a']) {
      const body = atom(entry('1', title), entry('2'));
      expect((await w.post('new', body, signed(body))).status).toBe(202);
    }
    expect(await applied(w.inbox)).toHaveLength(3);
  });

  test('one that is not new but the whole of it larger than an entity is taken apart', async () => {
    const w = await world({ callback: { protocol: 'feed' } });
    const body = atom(...Array.from({ length: 20 }, (_, i) => entry(`${i}`, 'x'.repeat(100_000))));
    expect(body.length).toBeGreaterThan(LIMITS.entityBytes);
    expect((await w.post('new', body, signed(body))).status).toBe(202);
    expect(await applied(w.inbox)).toHaveLength(20);
  });
});

test('a part is a whole document with what stands around its entry', () => {
  const [one, two] = entries(atom(entry('1'), entry('2')))!;
  expect(Buffer.from(one!.document).toString()).toBe(
    `<?xml version="1.0"?>\n<feed ${ATOM}><id>urn:f</id><title>T</title>\n${entry('1')}\n</feed>`,
  );
  expect(one).toMatchObject({ feed: 'urn:f', id: 'urn:1', updated: '2026-01-01T00:00:00Z' });
  expect(two).toMatchObject({ feed: 'urn:f', id: 'urn:2' });
});

test('RSS 2.0, RSS 1.0 and entries that were deleted', () => {
  const [one, two] = entries(rss(item('1'), item('2')))!;
  expect([one, two]).toMatchObject([{ id: '1', feed: 'https://example.org/' }, { id: '2' }]);
  const rdf = `<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">
    <channel rdf:about="a"><title>T</title><link>https://example.org/</link></channel>
    <item rdf:about="b"><title>B</title><link>https://example.org/b</link></item></rdf:RDF>`;
  expect(entries(rdf)).toMatchObject([{ id: 'https://example.org/b' }]);
  const gone = (ref: string) =>
    `<at:deleted-entry xmlns:at="http://purl.org/atompub/tombstones/1.0" ref="${ref}" when="2026-01-01T00:00:00Z"/>`;
  expect(new Set(hashes(atom(gone('urn:1'), gone('urn:2'), entry('1')))).size).toBe(3);
});

test('the same entry in other bytes has the same hash', () => {
  const [plain] = hashes(atom(entry('1', 'a &amp; b', '<link rel="self" href="x"/>')));
  const others = [
    atom(entry('0'), entry('1', '<![CDATA[a & b]]>', '<link href="x" rel="self"></link>'), entry('2')),
    atom(entry('1', 'a &#38; b', "\n  <link href = 'x' rel='self' />\n<!-- c -->")),
    `<x:feed xmlns:x="http://www.w3.org/2005/Atom">${entry('1', 'a &amp; b', '<link rel="self" href="x"/>').replaceAll(/<(\/?)/g, '<$1x:')}</x:feed>`,
  ];
  for (const other of others) expect(hashes(other)).toContain(plain);
});

test.each([
  ['a text', entry('1', 'b')],
  ['an attribute', entry('1', 'a', '<link href="y"/>')],
  ['an element that no feed library knows', entry('1', 'a', '<n:price xmlns:n="urn:shop">7</n:price>')],
  ['its namespace', entry('1', 'a', '<n:price xmlns:n="urn:other">7</n:price>')],
  ['what is nested in what', entry('1', 'a', '<x><y/></x>')],
  ['what stands beside what', entry('1', 'a', '<x/><y/>')],
])('an entry that differs in %s has another hash', (_, changed) => {
  const all = [entry('1', 'a'), entry('1', 'a', '<n:price xmlns:n="urn:shop">8</n:price>'), changed];
  expect(new Set(all.flatMap((each) => hashes(atom(each)))).size).toBe(3);
});

test('entities beyond the Basic Multilingual Plane and other encodings do not shift the cut', () => {
  const [one, two] = entries(atom(entry('1', '😀é'), entry('2', '😀')))!;
  expect(Buffer.from(two!.document).toString()).toContain(`T</title>\n${entry('2', '😀')}\n</feed>`);
  const latin = `<?xml version="1.0" encoding="ISO-8859-1"?>${rss(item('1', 'é'))}`;
  expect(Buffer.from(entries(latin, 'latin1')![0]!.document).toString()).toBe(
    `<?xml version="1.0"?>${rss(item('1', 'é'))}`,
  );
  expect(entries(`\ufeff${atom(entry('1', '😀é'))}`, 'utf16le')![0]!.hash).toBe(one!.hash);
});

test.each([
  ['no XML', 'x'],
  ['nothing', ''],
  ['not well formed', atom(entry('1')).slice(0, -5)],
  ['bytes that are no text', Buffer.concat([Buffer.from(atom(entry('1'))), Buffer.from([0xff])]).toString('latin1')],
  ['an entity that is not declared', atom(entry('1', '&nbsp;'))],
  ['another kind of document', '<html><entry/></html>'],
  ['a feed without entries', atom()],
  ['entries that are deeper down', `<rss><channel><image>${item('1')}</image></channel></rss>`],
  ['an unknown encoding', `<?xml version="1.0" encoding="klingon"?>${rss(item('1'))}`],
])('%s is not taken apart', (_, text) => {
  expect(entries(text, 'latin1')).toBeUndefined();
});

test('a feed of more entries than the limit is not taken apart', () => {
  const many = (n: number) => rss(...Array.from({ length: n }, (_, i) => `<item><guid>${i}</guid></item>`));
  expect(entries(many(LIMITS.feedEntries))).toHaveLength(LIMITS.feedEntries);
  expect(entries(many(LIMITS.feedEntries + 1))).toBeUndefined();
});

test('what stands around many entries is not multiplied without bound', () => {
  const around = `<description>${'x'.repeat(100_000)}</description>`;
  const many = (n: number) => rss(around, ...Array.from({ length: n }, (_, i) => item(`${i}`)));
  expect(entries(many(100))).toHaveLength(100);
  expect(entries(many(200))).toBeUndefined();
});

test('line ends of any kind and empty elements do not shift the cut', () => {
  const gone = '<at:deleted-entry ref="a" when="b"/>';
  const start = `<feed ${ATOM} xmlns:at="http://purl.org/atompub/tombstones/1.0">\r\n<id>é😀</id>\r`;
  const parts = entries(`${start}${gone}\r\n\r\n${entry('1')}\r\n<!-- c -->${entry('2', 'a\r\nb')}\r\n</feed>\r\n`)!;
  expect(parts.map(({ document }) => Buffer.from(document).toString())).toEqual(
    [gone, entry('1'), `\r\n<!-- c -->${entry('2', 'a\r\nb')}`].map((part) =>
      part.startsWith('\r') ? `${start}${part}\r\n</feed>\r\n` : expect.stringContaining(`${start}${part}`),
    ),
  );
});
