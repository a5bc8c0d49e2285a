import type { HubRequest } from '../define/hub.ts';
import { type Answered, headerOf, type Method } from './outbound.ts';

/** A request to a provider, as its documentation writes it. */
export interface RestCall {
  readonly method: Method;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent form-urlencoded; a list is its name several times. */
  readonly form?: Readonly<Record<string, string | readonly string[]>>;
}

/**
 * A call, or a template of one: in any string of it `{callback}` stands for the field of that name. A field that is unset
 * takes the whole property with it; in a URL values are percent-encoded, and an unset one is an error.
 */
export type Template<In> = RestCall | ((input: In) => RestCall);

/** What the author reads answers from. */
export interface RestAnswer {
  readonly code: number;
  readonly url: string;
  header(name: string): string | undefined;
  /** Undefined where the body is none. */
  readonly json: unknown;
}

/** Fields of a request by name. */
type Fields = Readonly<Record<string, unknown>>;

/** Throws what the author's function throws, and for a field that a URL needs and the request has not. */
export function callOf<In extends HubRequest | { readonly topic: string }>(
  template: Template<In>,
  input: In,
): RestCall {
  if (typeof template === 'function') return template(input);
  const { url, ...rest } = template;
  return { ...(filled(rest, { ...input }) as Omit<RestCall, 'url'>), url: urlOf(url, { ...input }) };
}

const PLACEHOLDER = /\{(\w+)\}/g;

/** What a template may name. */
const FIELDS = [
  'hub',
  'topic',
  'callback',
  'secret',
  'leaseSeconds',
  'reference',
  'intent',
] as const satisfies readonly (keyof HubRequest)[];

/** The names in a template that no request has: a slip of the pen there would take a property with it, and nobody be told. */
export function strangersIn(template: unknown): string[] {
  if (typeof template === 'function') return [];
  const names = [...JSON.stringify(template).matchAll(PLACEHOLDER)].map(([, name]) => name!);
  return names
    .filter((name) => !FIELDS.some((field) => field === name))
    .map((name) => `names {${name}}, which is no field`);
}

function urlOf(url: string, fields: Fields): string {
  return url.replace(PLACEHOLDER, (_, name: string, at: number) => {
    const value = fields[name];
    if (value === undefined) throw new Error(`the request has no ${name}, which its URL needs`);
    // What a URL begins with is one already.
    return at === 0 ? String(value) : encodeURIComponent(String(value));
  });
}

function filled(value: unknown, fields: Fields): unknown {
  if (typeof value === 'string') {
    const whole = /^\{(\w+)\}$/.exec(value);
    // Of its own kind: a number stays one.
    if (whole) return fields[whole[1]!];
    const names = [...value.matchAll(PLACEHOLDER)].map(([, name]) => name!);
    if (names.some((name) => fields[name] === undefined)) return undefined;
    return value.replace(PLACEHOLDER, (_, name: string) => String(fields[name]));
  }
  if (Array.isArray(value)) return value.map((item) => filled(item, fields)).filter((item) => item !== undefined);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, item]) => [name, filled(item, fields)] as const);
  return Object.fromEntries(entries.filter(([, item]) => item !== undefined));
}

/** The body of a call, and the header that says what it is. */
export function bodyOf({ json, form }: RestCall): { readonly body?: string; readonly headers: Record<string, string> } {
  if (json !== undefined) return { body: JSON.stringify(json), headers: { 'content-type': 'application/json' } };
  if (form === undefined) return { headers: {} };
  const pairs = Object.entries(form).flatMap(([name, value]) =>
    [value].flat().map((item): [string, string] => [name, item]),
  );
  return {
    body: new URLSearchParams(pairs).toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  };
}

export function restAnswer(answer: Answered): RestAnswer {
  const { code, url, body, whole } = answer;
  return { code, url, header: (name) => headerOf(answer, name), json: whole ? jsonOf(body) : undefined };
}

function jsonOf(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body));
  } catch {
    return undefined;
  }
}

/** What stands in an answer at a path of names (`data.id`); the empty path is the answer itself. */
export function at(value: unknown, path: string): unknown {
  return path
    .split('.')
    .filter((name) => name !== '')
    .reduce(
      (inner, name) =>
        typeof inner === 'object' && inner !== null && Object.hasOwn(inner, name)
          ? (inner as Record<string, unknown>)[name]
          : undefined,
      value,
    );
}

/** The same for a name: a string, or a number as providers count them. */
export function textAt(value: unknown, path: string): string | undefined {
  const found = at(value, path);
  return (typeof found === 'string' && found !== '') || typeof found === 'number' ? String(found) : undefined;
}
