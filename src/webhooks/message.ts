import type { IncomingHttpHeaders } from 'node:http';

/** A request as it came, with lower-case header names. */
export interface Message {
  readonly headers: IncomingHttpHeaders;
  /** The raw bytes: signatures are over these. */
  readonly body: Uint8Array;
  /** Where it was sent to, as its sender knows it: some sign it. */
  readonly url?: string;
}

/** A header's one value; of a repeated one, the first. */
export function header({ headers }: Pick<Message, 'headers'>, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : value?.[0];
}

/** The body as JSON, or undefined where it is none. */
export function json({ body }: Message): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return undefined;
  }
}

/** A property of a JSON object that is a text of some length. */
export function textAt(value: unknown, ...path: readonly string[]): string | undefined {
  const found = path.reduce<unknown>(
    (at, name) => (isObject(at) && Object.hasOwn(at, name) ? at[name] : undefined),
    value,
  );
  return typeof found === 'string' && found !== '' ? found : undefined;
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
