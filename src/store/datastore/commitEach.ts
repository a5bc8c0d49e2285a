import type { Clock } from '../../clock.ts';
import { LIMITS } from '../../limits.ts';
import type { Outcome } from '../store.ts';
import { type Connection, pause } from './client.ts';
import { errorOf, failureOf, isFatal, sentenceOf } from './failures.ts';
import { versionsOf } from './lookups.ts';
import type { Prepared } from './prepare.ts';
import type { WireMutation } from './wire.ts';

/**
 * The fast way, where the probe has seen that it works: each mutation of a commit for itself, and the server skips those
 * whose condition does not hold and says so. "Must not exist" is version 0; `insert` and `update` are not sent, since
 * either, failing, would stop the commit in the middle.
 */
export async function commitEach(
  connection: Connection,
  clock: Clock,
  batch: readonly Prepared[],
  attempt = 1,
): Promise<Outcome[]> {
  try {
    const results = await connection.commit({ mode: 'NON_TRANSACTIONAL', mutations: batch.map(conditional) });
    return results.map(({ conflictDetected, version }) =>
      conflictDetected ? { status: 'conflict' } : { status: 'applied', version },
    );
  } catch (thrown) {
    const failure = failureOf(thrown);
    if (isFatal(failure)) throw errorOf(thrown, connection.where);
    const cause = sentenceOf(thrown);
    if (failure === 'unknown') return batch.map(() => ({ status: 'unknown', cause }));
    if (failure === 'refused') {
      // Checked by the server before it applies anything.
      if (batch.length === 1) return [{ status: 'refused', code: 'entity.refused', cause }];
      const half = Math.ceil(batch.length / 2);
      const first = await commitEach(connection, clock, batch.slice(0, half), attempt);
      return [...first, ...(await commitEach(connection, clock, batch.slice(half), attempt))];
    }
    const why = failure === 'exhausted' ? 'exhausted' : 'contention';
    if (why === 'contention') await pause(clock, attempt);
    return goOn(connection, clock, batch, attempt, why, cause);
  }
}

function conditional({ entity, key, version = '0' }: Prepared): WireMutation {
  return { ...(entity ? { upsert: entity } : { delete: key }), baseVersion: version };
}

/**
 * After an error in the middle some may be applied. What still stands as it was expected to was not; of what changed
 * nobody can say who did it.
 */
async function goOn(
  connection: Connection,
  clock: Clock,
  batch: readonly Prepared[],
  attempt: number,
  why: 'contention' | 'exhausted',
  cause: string,
): Promise<Outcome[]> {
  const outcomes = new Array<Outcome>(batch.length).fill({ status: 'unknown', cause });
  const versions = await versionsOf(
    connection,
    batch.map(({ key }) => key),
  );
  const open = batch.flatMap(({ id, version }, i) => (versions.get(id) === version ? [i] : []));
  if (open.length === 0) return outcomes;
  // Surely not applied. That the store takes no more of anything is for the pace to know, not for another attempt.
  if (attempt === LIMITS.callAttempts || why === 'exhausted') {
    for (const i of open) outcomes[i] = { status: 'busy', why, cause };
    return outcomes;
  }
  const again = open.map((i) => batch[i]!);
  const answers = await commitEach(connection, clock, again, attempt + 1);
  open.forEach((i, n) => {
    outcomes[i] = answers[n]!;
  });
  return outcomes;
}
