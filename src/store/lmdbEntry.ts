import { getLastVersion } from 'lmdb';
import { Content } from '../record/content.ts';
import { Key } from '../record/key.ts';
import type { Entity } from './store.ts';

/**
 * How an entity lies in LMDB. Its key is `key.bytes`. Its value:
 *
 *     version (8 bytes, float64)   written and compared by lmdb's own `useVersions`, in one native call with the write
 *     slot    (4 bytes, uint32 LE) 0 = no slot, else its byte length + 1
 *     slot text (UTF-8), content (canonical bytes, to the end)
 *
 * Bytes that come out are in memory that lmdb uses again for the next read: they are copied at once, by the codecs here.
 */
const SLOT_BYTES = 4;

/** Entities are cut from blocks of this size: an ArrayBuffer each would cost more than all the rest of a read. */
const BLOCK = 64 * 1024;
const LARGE = 8 * 1024;
let block = Buffer.allocUnsafeSlow(BLOCK);
let used = 0;

function keep(source: Uint8Array, start: number, end: number): Buffer {
  const length = end - start;
  if (length > LARGE) return Buffer.copyBytesFrom(source, start, length);
  if (used + length > BLOCK) {
    block = Buffer.allocUnsafeSlow(BLOCK);
    used = 0;
  }
  const copy = block.subarray(used, used + length);
  used += length;
  copyInto(copy, source, start, end);
  return copy;
}

function copyInto(target: Buffer, source: Uint8Array, start: number, end: number): void {
  if (end - start > 48) {
    Buffer.prototype.copy.call(source, target, 0, start, end);
    return;
  }
  for (let i = start, to = 0; i < end; i++) target[to++] = source[i]!;
}

/** Raw keys, for every table. */
export const keyCodec = {
  writeKey(key: Buffer, target: Buffer, start: number): number {
    target.set(key, start);
    return start + key.length;
  },
  readKey: keep,
};

/** The writer's side of one value, built in place; it is stored before the next one is built. */
let scratch = sized(64 * 1024);

interface Ranged extends Buffer {
  start: number;
  end: number;
}

/** `start` and `end` are how lmdb takes a part of a buffer without another object; they count from the ArrayBuffer's 0. */
function sized(bytes: number): Ranged {
  return Object.assign(Buffer.allocUnsafeSlow(bytes), { start: 0, end: 0 });
}

export function encodeEntry(content: Content, slot: string | undefined): Buffer {
  const bytes = content.bytes;
  const room = SLOT_BYTES + bytes.length + (slot === undefined ? 0 : slot.length * 3);
  if (room > scratch.length) scratch = sized(room * 2);
  let at = SLOT_BYTES;
  if (slot === undefined) scratch.writeUInt32LE(0, 0);
  else {
    const length = scratch.write(slot, at, 'utf8');
    scratch.writeUInt32LE(length + 1, 0);
    at += length;
  }
  bytes.copy(scratch, at);
  scratch.end = at + bytes.length;
  return scratch;
}

export interface Entry {
  readonly slot: string | undefined;
  readonly content: Content;
}

export const entryCodec = {
  encode: (ready: Buffer): Buffer => ready,
  decode(shared: Buffer): Entry {
    const { length } = shared;
    const marked = shared.readUInt32LE(0);
    const at = SLOT_BYTES + (marked === 0 ? 0 : marked - 1);
    return {
      slot: marked === 0 ? undefined : shared.toString('utf8', SLOT_BYTES, at),
      content: Content.fromBytes(keep(shared, at, length)),
    };
  },
};

/** Of the entry that was read last. */
export function entityOf(key: Key, { content, slot }: Entry): Entity {
  return { key, content, slot, version: getLastVersion() };
}

export function rangeEntityOf(row: { key: Buffer; value: Entry; version: number }): Entity {
  return { key: Key.fromBytes(row.key), content: row.value.content, slot: row.value.slot, version: row.version };
}
