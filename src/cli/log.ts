import { pino } from 'pino';
import type { Session } from './verb.ts';

/** Secrets, and what records hold: an author's error may quote a record, and so may what became of it. */
const REDACTED = [
  'authorization',
  'body',
  'content',
  'cookie',
  'expected',
  'facts',
  'found',
  'headers',
  'message',
  'password',
  'secret',
  'secrets',
  'token',
] as const;

/**
 * Logs go to stderr, a line of JSON each, whose `event` is `noun.participle`. What is redacted stands in the store, for who
 * may look there. Keys are logged: they say which record is meant. The message and stack of `err`, a defect, are logged too.
 */
export const workLog = ({ io }: Pick<Session, 'io'>): pino.Logger =>
  pino(
    {
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: {
        paths: REDACTED.flatMap((name) => (name === 'message' ? [name] : [name, `*.${name}`])),
        censor: '[redacted]',
      },
    },
    io.err,
  );
