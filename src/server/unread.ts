import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { HandoverError } from '../errors.ts';
import { type Problem, problemOf } from './problems.ts';

/** What is no request yet has met none of the guards, which send these with all else. */
const HEADERS: Readonly<Record<string, string>> = {
  'content-type': 'application/problem+json',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};

type Log = Pick<Logger, 'info'>;

/** Answers a request whose path is none. The path is not logged: it may be a secret, nearly. */
export const refuseUrl = (log: Log) => (_: Error, request: FastifyRequest, reply: FastifyReply) => {
  const problem = problemOf(new HandoverError('request.invalid', 'The path is not well formed: is it escaped?'));
  log.info({ event: 'request.refused', why: 'FST_ERR_BAD_URL', status: problem.status, from: request.ip });
  reply.code(problem.status).headers(HEADERS).send(JSON.stringify(problem));
};

/** What Node.js calls it, and what that is. */
const BROKEN: Readonly<Record<string, Pick<Problem, 'status' | 'detail'>>> = {
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, detail: 'It did not come in in time.' },
  HPE_HEADER_OVERFLOW: { status: 431, detail: 'Its header has too many bytes.' },
};

/** Answers what is no HTTP, and hangs up. */
export const refuseBytes = (log: Log) => (error: Error & { readonly code?: string }, socket: Socket) => {
  // Nobody is there any more, or never was: of a connection that is dropped nothing is to be told.
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const { status, detail } = BROKEN[error.code ?? ''] ?? { status: 400, detail: 'It is not HTTP.' };
  log.info({ event: 'request.refused', why: error.code, status, from: socket.remoteAddress });
  const title = STATUS_CODES[status]!;
  const body = JSON.stringify({ ...problemOf(new HandoverError('request.invalid', detail!)), status, title });
  const headers = { ...HEADERS, 'content-length': `${Buffer.byteLength(body)}`, connection: 'close' };
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  if (socket.writable) socket.end(`HTTP/1.1 ${status} ${title}\r\n${head.join('')}\r\n${body}`);
  // Whoever does not read it holds up nobody.
  socket.destroySoon();
};
