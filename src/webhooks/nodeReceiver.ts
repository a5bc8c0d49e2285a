import type { IncomingMessage, ServerResponse } from 'node:http';
import { isAnswer, readRequest } from './readBody.ts';
import type { Receiver } from './receive.ts';

/** A request listener for `node:http`: `createServer(nodeReceiver(receiver))`. It must be first to read the request. */
export function nodeReceiver(receiver: Receiver): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    answer(receiver, request, response).catch(() => response.destroy()); // the sender is gone
  };
}

async function answer(receiver: Receiver, message: IncomingMessage, response: ServerResponse): Promise<void> {
  const read = await readRequest(message, receiver);
  const { status, headers, body } = isAnswer(read) ? read : await receiver.receive(read);
  response.writeHead(status, { 'content-length': Buffer.byteLength(body), ...headers }).end(body);
}
