import type { IncomingMessage } from 'node:http';
import type { Answer, Receiver, Request } from './receive.ts';

/** A request as the receiver wants it, or the answer that it gets without being read to its end. */
export async function readRequest(
  message: IncomingMessage,
  { maxBytes }: Pick<Receiver, 'maxBytes'>,
): Promise<Request | Answer> {
  const url = message.url ?? '/';
  const cut = url.indexOf('?');
  const path = cut < 0 ? url : url.slice(0, cut);
  const query = cut < 0 ? NO_QUERY : new URLSearchParams(url.slice(cut + 1));
  const body = await readBody(message, maxBytes);
  if (!body) return TOO_LARGE;
  return { method: message.method ?? '', path, query, headers: message.headers, body };
}

export const isAnswer = (given: Request | Answer): given is Answer => 'status' in given;

const NO_QUERY = new URLSearchParams();
const TOO_LARGE: Answer = { status: 413, headers: {}, body: '' };

/**
 * The raw bytes; undefined where there are more. What is too much is read and thrown away, for a sender that is cut off
 * never sees the answer; the server's own time-out bounds it. Rejects when the sender goes away.
 */
function readBody(message: IncomingMessage, maxBytes: number): Promise<Uint8Array | undefined> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let bytes = 0;
    message.on('data', (part: Buffer) => {
      bytes += part.length;
      if (bytes <= maxBytes) parts.push(part);
      else parts.length = 0;
    });
    message.on('end', () =>
      resolve(bytes > maxBytes ? undefined : parts.length === 1 ? parts[0] : Buffer.concat(parts)),
    );
    message.on('error', reject);
    message.on('aborted', () => reject(new Error('The request was aborted.')));
  });
}
