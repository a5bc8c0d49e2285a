import { randomUUID } from 'node:crypto';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { type EntityRule, key, Router, type Store } from 'handover';
import {
  type Article,
  articles,
  type Feed,
  feeds,
  type Note,
  notes,
  type Owned,
} from '../migrations/feeds-under-users.ts';
import { frontPage, KIND_IN_PATH, pathOf, userPage, VISITS } from './pages.ts';
import { type Kind, recordAt } from './records.ts';
import type { Shelves } from './shelves.ts';

interface RecordPath {
  readonly user: string;
  readonly list: string;
  readonly id: string;
}

/** A visit by somebody who keeps no account of his visits, a person with a browser. */
export interface Unaccounted {
  readonly kind: Kind;
  readonly id: string;
  readonly visits: number;
  readonly token: string;
  readonly text?: string;
}

/**
 * The application's own pages. They read and write through the router, in the new shape, from before the first command
 * to after the last; of the migration they know nothing else.
 */
export class Site {
  readonly server: FastifyInstance;
  readonly #shelves: Shelves;
  readonly #onUnaccounted: (visit: Unaccounted) => void;
  readonly #feeds: Router<Feed>;
  readonly #articles: Router<Article>;
  readonly #notes: Router<Note>;

  constructor(store: Store, shelves: Shelves, onUnaccounted: (visit: Unaccounted) => void = () => {}) {
    this.#shelves = shelves;
    this.#onUnaccounted = onUnaccounted;
    // The old key is the end of the new one, and the new one is known: each page is some user's.
    const routed = <N extends object>(kind: Kind, rule: EntityRule<object, N>) =>
      new Router<N>({ store, rule, keys: { from: (into) => key(kind, into.id) } });
    this.#feeds = routed<Feed>('Feed', feeds);
    this.#articles = routed<Article>('Article', articles);
    this.#notes = routed<Note>('Note', notes);
    this.server = fastify({ routerOptions: { maxParamLength: 500 } });
    const forms = { parseAs: 'string' } as const;
    this.server.addContentTypeParser<string>('application/x-www-form-urlencoded', forms, (_, body, done) =>
      done(null, Object.fromEntries(new URLSearchParams(body))),
    );
    this.server.get('/', async (_, reply) => html(reply, frontPage(shelves.users)));
    this.server.get('/users/:user', (request, reply) => this.#show((request.params as RecordPath).user, reply));
    this.server.post('/users/:user/:list/:id', (request, reply) => this.#visit(request, reply));
  }

  async #show(user: string, reply: FastifyReply): Promise<FastifyReply> {
    if (!this.#shelves.has(user)) return notFound(reply);
    const shown = this.#shelves.shown(user);
    const read = <N extends object>(router: Router<N>, numbers: readonly number[]) =>
      router.getMany(numbers.map((n) => ({ into: recordAt(n).into })));
    const [feeds, articles, notes] = await Promise.all([
      read(this.#feeds, shown.Feed),
      read(this.#articles, shown.Article),
      read(this.#notes, shown.Note),
    ]);
    // What is gone leaves a gap in the list: a page shows what there is.
    const lists = {
      feeds: listed(shown.Feed, feeds),
      articles: listed(shown.Article, articles),
      notes: listed(shown.Note, notes),
    };
    return html(reply, userPage(user, this.#shelves.count(user), lists));
  }

  /** Counts a visit; the form of a note may bring its new text. */
  async #visit({ params, body }: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { user, list, id } = params as RecordPath;
    const { visit, text } = (body ?? {}) as { readonly visit?: string; readonly text?: string };
    const token = visit ?? randomUUID();
    const visited = <R extends Owned>(record: R): R => ({ ...record, visits: record.visits + 1, lastVisit: token });
    const kind = KIND_IN_PATH[list];
    if (!kind || (kind !== 'Article' && !/^\d{1,15}$/.test(id))) return notFound(reply);
    const address = { into: key('User', user, kind, kind === 'Article' ? id : Number(id)) };
    const written = await {
      Feed: () => this.#feeds.update(address, visited),
      Article: () => this.#articles.update(address, visited),
      Note: () => this.#notes.update(address, (note) => visited(text ? { ...note, text } : note)),
    }[kind]();
    if (!written) return notFound(reply);
    const { visits } = written;
    if (visit === undefined)
      this.#onUnaccounted({ kind, id, visits, token, ...(text && kind === 'Note' ? { text } : {}) });
    return reply.header(VISITS, visits).redirect(pathOf(user), 303);
  }
}

const notFound = (reply: FastifyReply) => reply.code(404).type('text/plain').send('Not found');

const html = (reply: FastifyReply, page: string) =>
  reply.type('text/html; charset=utf-8').header('content-security-policy', POLICY).send(page);

const POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'";

function listed<R>(numbers: readonly number[], records: readonly (R | undefined)[]) {
  return numbers.flatMap((n, i) => (records[i] ? [{ id: recordAt(n).from.id, record: records[i] }] : []));
}
