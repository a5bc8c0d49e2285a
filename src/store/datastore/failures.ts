import { type ErrorCode, HandoverError, messageOf } from '../../errors.ts';

/**
 * What an error of the wire API means, by its gRPC code.
 *
 * - `unknown`: the call may have been carried out. A read is repeated; a commit never is: its outcomes are unknown.
 * - `contention`, `exhausted`: not carried out, and worth another try after a pause.
 * - `conflict`: a condition of a transaction did not hold, and nothing of it was applied.
 * - `refused`: something in the request can never be accepted.
 * - the others: nothing will work until somebody has changed something.
 */
export type Failure = 'unknown' | 'contention' | 'exhausted' | 'conflict' | 'refused' | Fatal;
type Fatal = 'denied' | 'missing' | 'rejected';

const BY_CODE: Readonly<Record<number, Failure>> = {
  1: 'unknown', // CANCELLED: also what emulators say to a request that is too large
  2: 'unknown', // UNKNOWN
  3: 'refused', // INVALID_ARGUMENT
  4: 'unknown', // DEADLINE_EXCEEDED: seen with all of a commit applied afterwards
  5: 'missing', // NOT_FOUND: project or database; no mutation that is sent here asks for an entity to be there
  6: 'conflict', // ALREADY_EXISTS
  7: 'denied', // PERMISSION_DENIED
  8: 'exhausted', // RESOURCE_EXHAUSTED
  9: 'conflict', // FAILED_PRECONDITION; of a read, a wrong database mode or a missing index
  10: 'contention', // ABORTED
  11: 'rejected', // OUT_OF_RANGE
  12: 'rejected', // UNIMPLEMENTED
  13: 'unknown', // INTERNAL
  14: 'unknown', // UNAVAILABLE
  15: 'unknown', // DATA_LOSS
  16: 'denied', // UNAUTHENTICATED
};

/** The library says that it found no credentials, or none that are good, without a gRPC code. */
const CREDENTIALS = /credential|invalid_grant|unauthorized|authentica|metadata|project id/i;

export function failureOf(thrown: unknown): Failure {
  const code = (thrown as { code?: unknown } | undefined)?.code;
  const known = typeof code === 'number' ? BY_CODE[code] : undefined;
  return known ?? (CREDENTIALS.test(messageOf(thrown)) ? 'denied' : 'rejected');
}

/** Whether a read is worth another try. */
export const isRepeatable = (failure: Failure): boolean =>
  failure === 'unknown' || failure === 'contention' || failure === 'exhausted';

const CODES: Readonly<Record<Fatal, ErrorCode>> = {
  denied: 'store.denied',
  missing: 'store.missing',
  rejected: 'store.rejected',
};

/** The error for whoever can do something about it; `store.unknown` where one may hope that it passes. */
export function errorOf(thrown: unknown, where: string): HandoverError {
  if (thrown instanceof HandoverError) return thrown;
  const failure = failureOf(thrown);
  const code = isRepeatable(failure) ? 'store.unknown' : (CODES[failure as Fatal] ?? 'store.rejected');
  return new HandoverError(code, `${where}: ${sentenceOf(thrown)}`, { failure }, { cause: thrown });
}

export const isFatal = (failure: Failure): failure is Fatal => failure in CODES;

/** One line; the library puts a code and sometimes a stack into its messages. */
export function sentenceOf(thrown: unknown): string {
  const { details } = thrown as { details?: unknown };
  const text = (typeof details === 'string' && details !== '' ? details : messageOf(thrown)).split('\n')[0]!.trim();
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
