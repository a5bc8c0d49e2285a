import { hash } from 'node:crypto';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import { type Clock, systemClock } from '../../src/clock.ts';
import { defineConfig } from '../../src/define/config.ts';
import type { Migration } from '../../src/define/migration.ts';
import { type Role, type ServerDefinition, serverSchema } from '../../src/define/server.ts';
import { type ServeOptions, serve } from '../../src/server/serve.ts';
import { memoryStore } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/store.ts';
import { feedsUnderUsers } from '../engine/harness.ts';
import { checkAnswer } from './described.ts';

/** The token of each role, as people hold them. */
export const TOKENS: Readonly<Record<Role, string>> = {
  viewer: 'handover_viewer-0123456789',
  operator: 'handover_operator-0123456789',
  admin: 'handover_admin-0123456789',
};
export const OTHER = 'handover_other-operator-0123456789';

export const sha256 = (text: string): string => hash('sha256', text, 'hex');

export const TOKEN_CONFIG: ServerDefinition = {
  tokens: [
    { name: 'vera', role: 'viewer', sha256: sha256(TOKENS.viewer) },
    { name: 'otto', role: 'operator', sha256: sha256(TOKENS.operator) },
    { name: 'ada', role: 'admin', sha256: sha256(TOKENS.admin) },
    { name: 'olga', role: 'operator', sha256: sha256(OTHER) },
  ],
};

// biome-ignore lint/suspicious/noExplicitAny: what a server answers is looked at as it comes
export type Body = Record<string, any>;

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
  readonly text: string;
}

export interface Asking {
  readonly method?: string;
  readonly body?: unknown;
  readonly token?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Served {
  readonly url: string;
  readonly store: Store;
  /** Every line of the log so far. */
  readonly log: () => string;
  ask(path: string, asking?: Asking): Promise<Reply>;
  /** Tells it to end, and resolves when it has. */
  end(): Promise<void>;
}

export interface Options
  extends Partial<Pick<ServeOptions, 'worker' | 'receiver' | 'parts' | 'page' | 'user' | 'metrics' | 'pushed'>> {
  readonly store?: Store;
  readonly config?: ServerDefinition;
  readonly clock?: Clock;
  readonly migrations?: readonly Migration[];
}

/** A real server on loopback, with a port of its own, that ends with its test. It is asked as an operator unless a test says otherwise. */
export async function served(options: Options = {}): Promise<Served> {
  const { store = memoryStore(), clock = systemClock, migrations = [feedsUnderUsers], config = TOKEN_CONFIG } = options;
  const lines: string[] = [];
  const sink = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  const abort = new AbortController();
  const project = { file: 'handover.config.ts', config: defineConfig({ store: () => store }), migrations };
  let listening = (_url: string) => {};
  const url = new Promise<string>((resolve) => {
    listening = resolve;
  });
  const { worker, receiver, parts, metrics, pushed, page = false, user = 'ann' } = options;
  const ended = serve({
    services: { store, migrations, clock, project },
    config: serverSchema.parse({ port: 0, ...config }),
    log: pino({ base: null }, sink),
    version: '0.0.0',
    page,
    user,
    signal: abort.signal,
    onListening: listening,
    ...(worker ? { worker } : {}),
    ...(receiver ? { receiver } : {}),
    ...(parts ? { parts } : {}),
    ...(metrics ? { metrics } : {}),
    ...(pushed ? { pushed } : {}),
  });
  ended.catch(() => {}); // whoever ends it is told
  let isTold = false;
  const base = await Promise.race([url, ended.then(() => Promise.reject(new Error('It ended at once.')))]);
  const self: Served = {
    url: base,
    store,
    log: () => lines.join(''),
    async ask(path, { method, body, token = TOKENS.operator, headers = {} } = {}) {
      const asked = method ?? (body === undefined ? 'GET' : 'POST');
      const response = await fetch(base + path, {
        method: asked,
        headers: {
          ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      // Of what has no end, the beginning is the answer.
      const endless = response.headers.get('content-type')?.startsWith('text/event-stream');
      if (endless) await response.body?.cancel();
      const text = endless ? '' : await response.text();
      const [type = ''] = (response.headers.get('content-type') ?? '').split(';');
      const isJson = text !== '' && /json/.test(type);
      const { status } = response;
      const answer = isJson ? JSON.parse(text) : {};
      if (isJson) await checkAnswer({ method: asked, url: response.url }, { status, type, body: answer });
      return { status, headers: response.headers, body: answer, text };
    },
    async end() {
      isTold = true;
      abort.abort();
      await ended;
    },
  };
  onTestFinished(() => (isTold ? undefined : self.end()));
  return self;
}

/** Until it holds; fails after ten seconds. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = systemClock.now() + 10_000;
  while (!(await holds())) {
    if (systemClock.now() > deadline) throw new Error('It never came about.');
    await systemClock.sleep(10);
  }
}
