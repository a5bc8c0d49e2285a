import { HandoverError } from '../errors.ts';
import type { PathElement } from './key.ts';

/** What needs no quotes. A name of digits does, for without them it is an id. */
const SIMPLE = /^[A-Za-z_][\w.@-]*$/;
const TOKEN = /"(?:[^"\\]|\\.)*"|[\w.@-]+|[[\]:/]/y;
/** Far above any key that a store takes, and far below what the pattern above can be asked to match. */
const MAX_CHARACTERS = 20_000;

/** `[namespace]Kind:name/Kind:7`; what is not simple is quoted as in JSON. */
export function writeKey(namespace: string, path: readonly PathElement[]): string {
  const word = (text: string) => (SIMPLE.test(text) ? text : JSON.stringify(text));
  const steps = path.map(({ kind, id }) => `${word(kind)}:${typeof id === 'bigint' ? id : word(id)}`);
  return (namespace === '' ? '' : `[${word(namespace)}]`) + steps.join('/');
}

/** The inverse of `writeKey`; the elements are not checked. Throws `key.invalid`. */
export function parseKey(text: string): { namespace: string; path: PathElement[] } {
  const tokens = tokenise(text);
  let at = 0;
  const expect = (mark: string): void => {
    if (tokens[at++] !== mark) throw malformed(text, `expected ${mark}`);
  };
  const word = (): string => {
    const token = tokens[at++];
    if (token === undefined || '[]:/'.includes(token)) throw malformed(text, 'a part is missing');
    return token;
  };
  let namespace = '';
  if (tokens[0] === '[') {
    at++;
    namespace = unquoted(word(), text);
    expect(']');
  }
  const path: PathElement[] = [];
  do {
    if (path.length > 0) expect('/');
    const kind = unquoted(word(), text);
    expect(':');
    const id = word();
    path.push({ kind, id: /^\d+$/.test(id) ? BigInt(id) : unquoted(id, text) });
  } while (at < tokens.length);
  return { namespace, path };
}

function tokenise(text: string): string[] {
  if (text.length > MAX_CHARACTERS) throw new HandoverError('key.tooLong', `A key of ${text.length} characters.`);
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  for (let end = 0; end < text.length; end = TOKEN.lastIndex) {
    const found = TOKEN.exec(text);
    if (!found) throw malformed(text, `unexpected ${JSON.stringify(text[end])} at ${end}`);
    tokens.push(found[0]);
  }
  return tokens;
}

function unquoted(token: string, text: string): string {
  if (!token.startsWith('"')) return token;
  try {
    return JSON.parse(token) as string;
  } catch {
    throw malformed(text, `${token} is not a JSON string`);
  }
}

function malformed(text: string, why: string): HandoverError {
  const shown = text.slice(0, 500);
  return new HandoverError('key.invalid', `${JSON.stringify(shown)} is not a key: ${why}.`, { text: shown });
}
