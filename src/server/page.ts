import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve, sep } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { HandoverError } from '../errors.ts';

const TYPES: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
};

/** It loads its own script and style sheet, asks its own server, and nothing else; nothing in it is run but that script. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

/**
 * The operator's page at `/`. It holds nothing but itself, so nothing has to be shown for it: what it knows it asks of the
 * API, with the token that its user types. `folder`: where it was built.
 */
export async function servePage(
  app: FastifyInstance,
  { folder = built() }: { readonly folder?: string },
): Promise<void> {
  const files = filesOf(folder);
  const index = files.get('index.html');
  if (!index) throw new HandoverError('config.invalid', `The page is not built: ${folder} has none.`);
  app.addHook('onRequest', async (_, reply) => {
    reply.header('content-security-policy', POLICY);
  });
  app.get('/', { schema: { hide: true } as object }, async (_, reply) =>
    reply.type('text/html; charset=utf-8').header('cache-control', 'no-cache').send(index),
  );
  for (const [name, content] of files) {
    const type = TYPES[name.split('.').at(-1)!];
    if (!type) continue;
    // A name says what is in it: it never changes.
    app.get(`/assets/${name}`, { schema: { hide: true } as object }, async (_, reply) =>
      reply.type(type).header('cache-control', 'public, max-age=31536000, immutable').send(content),
    );
  }
}

/** All are small: they are read once. */
function filesOf(folder: string): ReadonlyMap<string, Buffer> {
  try {
    const names = readdirSync(folder).filter((name) => /\.(html|css|js)$/.test(name));
    return new Map(names.map((name) => [name, readFileSync(join(folder, name))]));
  } catch {
    return new Map();
  }
}

/** Beside what was compiled; from the sources, in what was built of them last. */
function built(): string {
  const own = import.meta.dirname;
  return own.split(sep).includes('dist') ? resolve(own, '../page') : resolve(own, '../../dist/src/page');
}
