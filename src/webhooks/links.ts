import { Parser } from 'htmlparser2';
import LinkHeader from 'http-link-header';
import { type Answered, httpUrl } from './outbound.ts';

/** What a topic says of itself: WebSub section 4. */
export interface Links {
  readonly hubs: readonly string[];
  /** The first one; a topic should have no more. */
  readonly self?: string;
}

interface Link {
  readonly rel: string;
  readonly href: string;
  readonly base: string;
}

/** In the Link headers (RFC 8288). A header that cannot be read says nothing, and the others are read all the same. */
export function linksInHeaders({ headers, url }: Answered): Links {
  const links = (headers.get('link') ?? []).flatMap((line): Link[] => {
    try {
      return LinkHeader.parse(line)
        .refs.filter(({ anchor }) => anchor === undefined || httpUrl(anchor, url)?.href === url)
        .map(({ rel, uri }) => ({ rel: rel ?? '', href: uri, base: url }));
    } catch {
      return [];
    }
  });
  return chosen(links);
}

/** In the body: those of the feed itself, or those of the head of a page. Links in entries or in a page's text are not the topic's. */
export function linksInBody({ headers, body, url }: Answered): Links {
  const type = headers.get('content-type')?.[0] ?? '';
  // What a server calls plain text may have been written by anybody, and says nothing of the server's topic.
  if (type !== '' && !/[/+](html|xml|xhtml|rss|atom)/i.test(type)) return { hubs: [] };
  const text = textOf(body, type);
  return chosen(isFeed(text) ? linksOfFeed(text, url) : linksOfHead(text, url));
}

function chosen(links: readonly Link[]): Links {
  const of = (wanted: string) =>
    links
      .filter(({ rel }) => rel.toLowerCase().split(/\s+/).includes(wanted))
      .flatMap(({ href, base }) => asWritten(href, base) ?? []);
  const [self] = of('self');
  return { hubs: of('hub'), ...(self === undefined ? {} : { self }) };
}

/** Hubs compare topics letter by letter: what is a URL already is not written in another way. */
function asWritten(href: string, base: string): string | undefined {
  const trimmed = href.trim();
  if (trimmed === '') return undefined;
  return httpUrl(trimmed) ? trimmed : httpUrl(trimmed, base)?.href;
}

function textOf(body: Uint8Array, type: string): string {
  const charset = /charset="?([\w-]+)/i.exec(type)?.[1] ?? 'utf-8';
  try {
    return new TextDecoder(charset).decode(body);
  } catch {
    return new TextDecoder().decode(body);
  }
}

const localName = (name: string) => name.slice(name.indexOf(':') + 1);

/** By its root, whatever the server calls it. */
function isFeed(text: string): boolean {
  let root: string | undefined;
  const parser = new Parser({ onopentagname: (name) => (root ??= localName(name)) }, { xmlMode: true });
  for (let start = 0; start < text.length && root === undefined; start += 1024) {
    parser.write(text.slice(start, start + 1024));
  }
  return root !== undefined && /^(feed|rss|RDF)$/.test(root);
}

/** Atom, RSS 2.0 and RSS 1.0: where links of the feed itself stand. */
const FEED = /^(feed|rss channel|RDF channel)$/;

function linksOfFeed(text: string, url: string): Link[] {
  const links: Link[] = [];
  const path: string[] = [];
  const bases = [url];
  const parser = new Parser(
    {
      onopentag(name, { rel, href, 'xml:base': own }) {
        const base = own === undefined ? bases.at(-1)! : (httpUrl(own, bases.at(-1))?.href ?? bases.at(-1)!);
        if (localName(name) === 'link' && rel && href && FEED.test(path.join(' '))) links.push({ rel, href, base });
        path.push(localName(name));
        bases.push(base);
      },
      onclosetag() {
        path.pop();
        bases.pop();
      },
    },
    { xmlMode: true },
  );
  parser.end(text);
  return links;
}

/** What may stand in a head (HTML, 13.2.6.4.4): anything else is the beginning of the body, with or without a tag for it. */
const HEAD = new Set(['html', 'head', 'title', 'base', 'link', 'meta', 'style', 'script', 'noscript', 'template']);
/** Elements whose content says nothing of the page. */
const OPAQUE = /^(title|style|script|noscript|template)$/;

function linksOfHead(text: string, url: string): Link[] {
  const links: Omit<Link, 'base'>[] = [];
  let base: string | undefined;
  let inHead = true;
  let opaque = 0;
  const parser = new Parser({
    onopentag(name, { rel, href }) {
      if (OPAQUE.test(name)) opaque += 1;
      else if (opaque > 0) return;
      if (!HEAD.has(name)) inHead = false;
      if (!inHead || href === undefined) return;
      if (name === 'base') base ??= httpUrl(href, url)?.href;
      if (name === 'link' && rel) links.push({ rel, href });
    },
    ontext(content) {
      if (opaque === 0 && /\S/.test(content)) inHead = false;
    },
    onclosetag(name) {
      if (OPAQUE.test(name)) opaque -= 1;
      else if (name === 'head') inHead = false;
    },
  });
  parser.end(text);
  return links.map((link) => ({ ...link, base: base ?? url }));
}
