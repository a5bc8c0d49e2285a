import { isUtf8 } from 'node:buffer';
import { HandoverError } from '../errors.ts';
import type { PathElement } from './key.ts';

/**
 * The order-preserving form of a key: `namespace 0 kind 0 (kind 0 element)*`, the entity's own kind in front, so that
 * one kind is one contiguous range. An element is `1` and eight bytes, or `2 name 0`: ids before names, a parent before
 * its children. Within a text, 0 becomes `1 1` and 1 becomes `1 2`: the order stays, and a 0 always ends a text, so that
 * no kind's prefix begins another's.
 */
const ID_TAG = 1;
const NAME_TAG = 2;
const ESCAPE = 1;

// One buffer for all encoding: it never outlives the call, which does not yield.
const scratch = Buffer.allocUnsafe(64 * 1024);

export function encodePath(namespace: string, path: readonly PathElement[]): Buffer {
  let at = writeText(path[path.length - 1]!.kind, writeText(namespace, 0));
  for (const { kind, id } of path) {
    at = writeText(kind, at);
    if (typeof id === 'string') {
      scratch[at] = NAME_TAG;
      at = writeText(id, at + 1);
    } else {
      scratch[at] = ID_TAG;
      at = scratch.writeBigUInt64BE(id, at + 1);
    }
  }
  return Buffer.from(scratch.subarray(0, at));
}

/** The bytes with which every key of `kind` begins, and those that start with `rootKind` too if one is given. */
export function kindPrefix(kind: string, namespace: string, rootKind?: string): Buffer {
  let at = writeText(kind, writeText(namespace, 0));
  if (rootKind !== undefined) at = writeText(rootKind, at);
  return Buffer.from(scratch.subarray(0, at));
}

function writeText(text: string, at: number): number {
  // Three bytes a character at most, the closing 0, and a tag and an id behind it: writes past the end are silent.
  if (at + text.length * 3 + 10 > scratch.length) {
    throw new HandoverError('key.tooLong', `A key of more than ${at + text.length} bytes.`);
  }
  let end = at;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code <= ESCAPE || code > 127) return writeOther(text, at);
    scratch[end++] = code;
  }
  scratch[end++] = 0;
  return end;
}

function writeOther(text: string, at: number): number {
  let end = at;
  for (const byte of Buffer.from(text, 'utf8')) {
    if (byte > ESCAPE) scratch[end++] = byte;
    else {
      scratch[end++] = ESCAPE;
      scratch[end++] = byte + 1;
    }
  }
  scratch[end++] = 0;
  return end;
}

// ---------------------------------------------------------------- decoding

let src: Buffer = scratch;
let pos = 0;

/** Throws `key.invalid` for bytes that `encodePath` does not write for any valid key. */
export function decodePath(bytes: Buffer): { namespace: string; path: PathElement[] } {
  src = bytes;
  pos = 0;
  const namespace = readText();
  const front = readText();
  const path: PathElement[] = [];
  do path.push(readElement());
  while (pos < bytes.length);
  if (path[path.length - 1]!.kind !== front) throw malformed('the kind in front is not its own');
  return { namespace, path };
}

function readElement(): PathElement {
  const kind = readText();
  if (kind === '') throw malformed('a kind is empty');
  const tag = src[pos++];
  if (tag === NAME_TAG) {
    const name = readText();
    if (name === '') throw malformed('a name is empty');
    return { kind, id: name };
  }
  if (tag !== ID_TAG) throw malformed(`no element begins with ${tag}`);
  if (pos + 8 > src.length || src[pos]! > 127) throw malformed('an id is out of range');
  const id = src.readBigUInt64BE(pos);
  pos += 8;
  if (id === 0n) throw malformed('an id is 0');
  return { kind, id };
}

function readText(): string {
  const start = pos;
  let all = 0;
  let escaped = false;
  for (;;) {
    const byte = src[pos++];
    if (byte === undefined) throw malformed('it ends too early');
    if (byte === 0) break;
    all |= byte;
    if (byte === ESCAPE) escaped = true;
  }
  const end = pos - 1;
  if (all < 128 && !escaped) return src.toString('latin1', start, end);
  const raw = src.subarray(start, end);
  return utf8(escaped ? unescaped(raw) : raw);
}

function unescaped(raw: Buffer): Buffer {
  const bytes: number[] = [];
  for (let i = 0; i < raw.length; i++) {
    const byte = raw[i]!;
    if (byte > ESCAPE) bytes.push(byte);
    else {
      const code = raw[++i];
      if (code !== 1 && code !== 2) throw malformed('an escape stands for nothing');
      bytes.push(code - 1);
    }
  }
  return Buffer.from(bytes);
}

function utf8(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw malformed('a text is not UTF-8');
  return bytes.toString('utf8');
}

function malformed(why: string): HandoverError {
  const hex = src.toString('hex', 0, 200);
  return new HandoverError('key.invalid', `Key bytes are not readable at ${pos}: ${why}.`, { bytes: hex });
}
