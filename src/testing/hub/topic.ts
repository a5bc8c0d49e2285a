import { HandoverError } from '../../errors.ts';

export type TopicKind = 'atom' | 'json';

/** What a topic says at one moment. */
export interface Content {
  /** Of the newest update in it; 0 for none. */
  readonly number: number;
  readonly contentType: string;
  readonly body: string;
  /** The same, without what the content before it had: all of it, where a topic is not made of entries. */
  readonly news: string;
}

/** Entries that a feed lists. */
const ENTRIES = 10;

interface Update {
  readonly number: number;
  readonly at: string;
}

/** A page that a hub serves, and whose every update carries the next number. */
export class Topic {
  readonly url: string;
  readonly kind: TopicKind;
  /** All that was published, in this order; what was published again stands there again. */
  readonly published: Content[] = [];
  readonly #hub: string;
  readonly #updates: Update[] = [];
  /** By number. */
  readonly #contents: Content[] = [];
  #content: Content;

  constructor(url: string, kind: TopicKind, hub: string) {
    this.url = url;
    this.kind = kind;
    this.#hub = hub;
    this.#content = this.#contentOf([]);
    this.#contents.push(this.#content);
  }

  get content(): Content {
    return this.#content;
  }

  /** Headers of the page and of each delivery. */
  get link(): string {
    return `<${this.#hub}>; rel="hub", <${this.url}>; rel="self"`;
  }

  /** One more update. */
  update(now: number): Content {
    this.#updates.push({ number: this.#updates.length + 1, at: new Date(now).toISOString() });
    this.#content = this.#contentOf(this.#updates);
    this.#contents.push(this.#content);
    return this.#content;
  }

  /** The topic says again, byte for byte, what it said when this number was the newest. */
  revert(number: number): Content {
    const content = this.#contents[number];
    if (!content) throw new HandoverError('usage.invalid', `${this.url} has no update ${number}.`);
    this.#content = content;
    return content;
  }

  #contentOf(updates: readonly Update[]): Content {
    const newest = updates.at(-1);
    const number = newest?.number ?? 0;
    if (this.kind === 'json') {
      const body = JSON.stringify({ number, at: newest?.at ?? null });
      return { number, contentType: 'application/json', body, news: body };
    }
    const listed = updates.slice(-ENTRIES).reverse();
    return {
      number,
      contentType: 'application/atom+xml',
      body: this.#feed(listed),
      news: this.#feed(listed.slice(0, 1)),
    };
  }

  #feed(updates: readonly Update[]): string {
    const { url } = this;
    const entries = updates.map(({ number, at }) =>
      [
        '  <entry>',
        `    <id>${url}#${number}</id>`,
        `    <title>update ${number}</title>`,
        `    <link href="${url}#${number}"/>`,
        `    <updated>${at}</updated>`,
        `    <content type="text">${number}</content>`,
        '  </entry>',
      ].join('\n'),
    );
    return [
      '<?xml version="1.0" encoding="utf-8"?>',
      '<feed xmlns="http://www.w3.org/2005/Atom">',
      `  <id>${url}</id>`,
      '  <title>updates</title>',
      '  <author><name>test hub</name></author>',
      `  <updated>${updates[0]?.at ?? new Date(0).toISOString()}</updated>`,
      `  <link rel="hub" href="${this.#hub}"/>`,
      `  <link rel="self" href="${url}"/>`,
      ...entries,
      '</feed>',
      '',
    ].join('\n');
  }
}

/** The numbers of the updates that a topic's page, or a delivery of it, carries; the newest first. */
export function numbersIn(body: string): number[] {
  if (!body.startsWith('{'))
    return [...body.matchAll(/<title>update (\d+)<\/title>/g)].map(([, digits]) => Number(digits));
  const { number } = JSON.parse(body) as { number: number };
  return number === 0 ? [] : [number];
}
