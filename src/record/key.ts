import { HandoverError } from '../errors.ts';
import { decodePath, encodePath } from './keyBytes.ts';
import { parseKey, writeKey } from './keyText.ts';
import { isText } from './text.ts';

export { kindPrefix } from './keyBytes.ts';

/** One step of a key's path. Ids are positive 64-bit integers; names are non-empty strings. */
export interface PathElement {
  readonly kind: string;
  readonly id: bigint | string;
}

const MAX_ID = 2n ** 63n - 1n;

/**
 * The name of an entity: a namespace and a path of (kind, id or name), root first.
 *
 * `bytes` is its order-preserving form: `namespace 0 kind 0 (kind 0 element)*` with the entity's own kind in front, so
 * that one kind is one contiguous range; numeric ids sort before names, names bytewise, a parent before its children
 * (Cloud Datastore's order). Either form is made from the other only when asked for.
 */
export class Key {
  #namespace: string | undefined;
  #path: readonly PathElement[] | undefined;
  #bytes: Buffer | undefined;
  #text: string | undefined;

  private constructor(namespace?: string, path?: readonly PathElement[], bytes?: Buffer) {
    this.#namespace = namespace;
    this.#path = path;
    this.#bytes = bytes;
  }

  static of(path: readonly PathElement[], namespace = ''): Key {
    if (path.length === 0) throw new HandoverError('key.invalid', 'A key needs at least one path element.');
    for (const element of path) check(element);
    if (!isText(namespace)) throw new HandoverError('key.invalid', `${JSON.stringify(namespace)} is not a namespace.`);
    return new Key(namespace, Object.freeze([...path]));
  }

  /** From the order-preserving form; the bytes are kept, not copied. */
  static fromBytes(bytes: Buffer): Key {
    return new Key(undefined, undefined, bytes);
  }

  /** From the written form, `[namespace]User:ann/Feed:7`. Throws `key.invalid`. */
  static parse(text: string): Key {
    const { namespace, path } = parseKey(text);
    return Key.of(path, namespace);
  }

  get path(): readonly PathElement[] {
    if (!this.#path) this.#decode();
    return this.#path!;
  }

  get namespace(): string {
    if (this.#namespace === undefined) this.#decode();
    return this.#namespace!;
  }

  get kind(): string {
    return this.path[this.path.length - 1]!.kind;
  }

  /** The last element's id or name. */
  get id(): bigint | string {
    return this.path[this.path.length - 1]!.id;
  }

  /** The entity group's root. */
  get root(): Key {
    return this.path.length === 1 ? this : new Key(this.namespace, this.path.slice(0, 1));
  }

  get parent(): Key | undefined {
    return this.path.length === 1 ? undefined : new Key(this.namespace, this.path.slice(0, -1));
  }

  get bytes(): Buffer {
    this.#bytes ??= encodePath(this.#namespace!, this.#path!);
    return this.#bytes;
  }

  equals(other: Key): boolean {
    return this === other || this.bytes.equals(other.bytes);
  }

  toString(): string {
    this.#text ??= writeKey(this.namespace, this.path);
    return this.#text;
  }

  toJSON(): string {
    return this.toString();
  }

  #decode(): void {
    const { namespace, path } = decodePath(this.#bytes!);
    this.#namespace = namespace;
    this.#path = Object.freeze(path);
  }
}

/**
 * A key from alternating kinds and ids: `key('User', 'ann', 'Feed', 7)`. Numbers and bigints are ids, strings are names.
 * A leading `Key` is the parent: `key(user, 'Feed', 7)`.
 */
export function key(first: Key | string, ...rest: readonly (string | number | bigint)[]): Key {
  const parts = typeof first === 'string' ? [first, ...rest] : rest;
  if (parts.length % 2 !== 0) {
    throw new HandoverError('key.invalid', `Kinds and ids must alternate: ${parts.join(', ')}.`);
  }
  const path: PathElement[] = typeof first === 'string' ? [] : [...first.path];
  for (let i = 0; i < parts.length; i += 2) {
    const kind = parts[i];
    const id = parts[i + 1]!;
    if (typeof kind !== 'string') throw new HandoverError('key.invalid', `${String(kind)} is not a kind.`);
    if (typeof id === 'number' && !Number.isSafeInteger(id)) {
      throw new HandoverError('key.invalid', `${id} is not a safe integer; pass a bigint.`);
    }
    path.push({ kind, id: typeof id === 'number' ? BigInt(id) : id });
  }
  return Key.of(path, typeof first === 'string' ? '' : first.namespace);
}

function check({ kind, id }: PathElement): void {
  const idFits = typeof id === 'bigint' ? id > 0n && id <= MAX_ID : id !== '' && isText(id);
  if (kind !== '' && isText(kind) && idFits) return;
  const shown = typeof id === 'bigint' ? id : JSON.stringify(id);
  throw new HandoverError('key.invalid', `${JSON.stringify(kind)}:${shown} is not a path element.`);
}
