import { type ErrorCode, HandoverError } from '../../src/errors.ts';

/** The error that `run` ends with, which must be one of ours and have this code. */
export function thrownBy(code: ErrorCode, run: () => unknown): HandoverError {
  let got: unknown;
  try {
    got = run();
  } catch (thrown) {
    if (thrown instanceof HandoverError && thrown.code === code) return thrown;
    throw new Error(`expected ${code}, but it threw ${thrown}`, { cause: thrown });
  }
  throw new Error(`expected ${code}, but it returned ${String(got)}`);
}
