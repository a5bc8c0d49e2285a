import type { Socket } from 'node:net';
import { deserialize, serialize } from 'node:v8';
import { Content } from '../../src/record/content.ts';
import { Key } from '../../src/record/key.ts';
import type { Value } from '../../src/record/value.ts';
import type { Entity, Guard, KeyRange, Mutation } from '../../src/store/store.ts';

/** What goes over the socket: keys and contents as their canonical bytes, everything else as it is. */
export interface Sent {
  readonly id: number;
  readonly op: string;
  readonly args: readonly unknown[];
}

export type Answered =
  | { readonly id: number; readonly value: unknown }
  | {
      readonly id: number;
      readonly code: string;
      readonly message: string;
      readonly facts: Readonly<Record<string, unknown>>;
    };

/** Each message is four bytes of length, and V8's own form of a value. */
export function send(socket: Socket, message: Sent | Answered): void {
  const body = serialize(message);
  const head = Buffer.allocUnsafe(4);
  head.writeUInt32BE(body.length);
  socket.cork();
  socket.write(head);
  socket.write(body);
  socket.uncork();
}

/** Calls back with every message, whole. */
export function receive<M>(socket: Socket, onMessage: (message: M) => void): void {
  let parts: Buffer[] = [];
  let size = 0;
  let wanted = 4;
  let isHead = true;
  socket.on('data', (part) => {
    parts.push(part);
    size += part.length;
    while (size >= wanted) {
      const all = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
      const [piece, rest] = [all.subarray(0, wanted), all.subarray(wanted)];
      parts = rest.length > 0 ? [rest] : [];
      size = rest.length;
      wanted = isHead ? piece.readUInt32BE() : 4;
      isHead = !isHead;
      // A head is followed by its body; a body is whole now.
      if (isHead) onMessage(deserialize(piece) as M);
    }
  });
}

type Bytes = Uint8Array;
type Plain = Readonly<Record<string, unknown>>;

const bufferOf = (bytes: Bytes): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
export const keyOut = ({ bytes }: Key): Bytes => bytes;
export const keyIn = (bytes: Bytes): Key => Key.fromBytes(bufferOf(bytes));

const withBytes = <T extends Plain>(of: T): Plain =>
  Object.fromEntries(
    Object.entries(of).map(([name, value]) => [
      name,
      value instanceof Key || value instanceof Content ? value.bytes : value,
    ]),
  );

export const entityOut = (entity: Entity | undefined) => entity && withBytes({ ...entity });
export const entityIn = (sent: Plain | undefined): Entity | undefined => sent && (made(sent) as unknown as Entity);
export const mutationOut = (mutation: Mutation) => withBytes({ ...mutation });
export const mutationIn = (sent: Plain): Mutation => made(sent) as unknown as Mutation;
export const guardOut = (guard: Guard | undefined) => guard && withBytes({ ...guard });
export const guardIn = (sent: Plain | undefined): Guard | undefined => sent && (made(sent) as unknown as Guard);
export const rangeOut = (range: KeyRange) => withBytes({ ...range });
export const rangeIn = (sent: Plain): KeyRange => made(sent) as unknown as KeyRange;

/** As the only property of a content: a value may be a key, or hold some. */
export const valueOut = (value: Value): Bytes => Content.of(new Map([['value', value]])).bytes;
export const valueIn = (bytes: Bytes): Value => Content.fromBytes(bufferOf(bytes)).properties.get('value')!;

/** The names under which a key is sent. */
const KEYS: ReadonlySet<string> = new Set(['key', 'root', 'after', 'until']);

function made(sent: Plain): Plain {
  return Object.fromEntries(
    Object.entries(sent).map(([name, value]) => {
      if (KEYS.has(name)) return [name, keyIn(value as Bytes)];
      return [name, name === 'content' ? Content.fromBytes(bufferOf(value as Bytes)) : value];
    }),
  );
}
