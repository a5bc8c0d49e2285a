import { isUtf8 } from 'node:buffer';
import { MAX_NANOS, NAN_HIGH } from './format.ts';

const REPLACEMENT = '\ufffd';
const NONE = Buffer.alloc(0);

// Records of one kind have the same names: a name met before is not made again. All of them short and ASCII.
const names: string[] = new Array(1024).fill('');

/** Takes the scalars of format.ts from bytes, one after another. Throws for the end, and for any but the canonical form. */
export class Reader {
  #src: Buffer = NONE;
  #pos = 0;

  start(bytes: Buffer): void {
    this.#src = bytes;
    this.#pos = 0;
  }

  /** Lets go of the bytes. */
  stop(): void {
    this.#src = NONE;
  }

  get position(): number {
    return this.#pos;
  }

  get left(): number {
    return this.#src.length - this.#pos;
  }

  byte(): number {
    const byte = this.#src[this.#pos++];
    if (byte === undefined) throw new Error('the end');
    return byte;
  }

  varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) {
        if (byte === 0 && scale > 1) throw new Error('a number longer than it must be');
        return value;
      }
      if (scale > 2 ** 40) throw new Error('a number too large');
    }
  }

  /** A count or length of things of at least `bytes` each: what cannot be there is refused before room is made for it. */
  count(bytes: number): number {
    const count = this.varint();
    if (count * bytes > this.left) throw new Error(`${count} where ${this.left} bytes are left`);
    return count;
  }

  integer(): bigint {
    const value = this.#src.readDoubleLE(this.#pos);
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) throw new Error(`integer ${value}`);
    this.#pos += 8;
    return BigInt(value);
  }

  wideInteger(): bigint {
    const value = this.int64();
    if (Number.isSafeInteger(Number(value))) throw new Error(`wide integer ${value}`);
    return value;
  }

  int64(): bigint {
    const value = this.#src.readBigInt64LE(this.#pos);
    this.#pos += 8;
    return value;
  }

  nanos(): number {
    const nanos = this.#src.readUInt32LE(this.#pos);
    if (nanos > MAX_NANOS) throw new Error(`${nanos} ns`);
    this.#pos += 4;
    return nanos;
  }

  double(): number {
    const at = this.#pos;
    const value = this.#src.readDoubleLE(at);
    if (Number.isNaN(value) && (this.#src.readUInt32LE(at) !== 0 || this.#src.readUInt32LE(at + 4) !== NAN_HIGH)) {
      throw new Error('another NaN');
    }
    this.#pos = at + 8;
    return value;
  }

  bytes(): Buffer {
    const length = this.count(1);
    const bytes = Buffer.from(this.#src.subarray(this.#pos, this.#pos + length));
    this.#pos += length;
    return bytes;
  }

  text(): string {
    const length = this.count(1);
    const start = this.#pos;
    const end = start + length;
    this.#pos = end;
    if (length < 24) {
      const text = shortAscii(this.#src, start, end);
      if (text !== undefined) return text;
    }
    const text = this.#src.toString('utf8', start, end);
    // What is not UTF-8 comes out with replacement characters; where there are none, there is nothing to check.
    if (text.includes(REPLACEMENT) && !isUtf8(this.#src.subarray(start, end)))
      throw new Error('text that is not UTF-8');
    return text;
  }

  /** A text that has probably been read before. */
  name(): string {
    const src = this.#src;
    const length = src[this.#pos]!;
    if (length > 63 || this.#pos + length >= src.length) return this.text();
    const start = this.#pos + 1;
    const end = start + length;
    let hash = length;
    for (let i = start; i < end; i++) hash = (hash * 31 + src[i]!) | 0;
    const known = names[hash & 1023]!;
    if (isAt(known, src, start, length)) {
      this.#pos = end;
      return known;
    }
    const name = this.text();
    // Only ASCII, where characters and bytes are the same numbers.
    if (name.length === length) names[hash & 1023] = name;
    return name;
  }
}

/** Cheaper than a call into native code. */
function shortAscii(src: Buffer, start: number, end: number): string | undefined {
  let text = '';
  for (let i = start; i < end; i++) {
    const code = src[i]!;
    if (code > 127) return undefined;
    text += String.fromCharCode(code);
  }
  return text;
}

function isAt(ascii: string, src: Buffer, start: number, length: number): boolean {
  if (ascii.length !== length) return false;
  for (let i = 0; i < length; i++) if (ascii.charCodeAt(i) !== src[start + i]) return false;
  return true;
}
