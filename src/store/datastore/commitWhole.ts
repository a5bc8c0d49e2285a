import type { Clock } from '../../clock.ts';
import { LIMITS } from '../../limits.ts';
import type { UnitOutcome } from '../store.ts';
import { type Connection, pause } from './client.ts';
import { errorOf, failureOf, isFatal, sentenceOf } from './failures.ts';
import { versionsOf } from './lookups.ts';
import type { Prepared } from './prepare.ts';
import type { WireMutation } from './wire.ts';

type Unit = readonly Prepared[];

/** Looks for culprits in one commit before it is cut in halves: each look settles at least one unit. */
const LOOKS = 3;

/**
 * Several units in one transaction of one call: all conditions hold and everything is applied, or nothing is. Where one
 * does not hold, nobody says which: the keys are looked up, the units that cannot win are answered, and the rest is
 * tried again. Safe to repeat, since nothing was applied and every condition is sent again.
 */
export async function commitWhole(
  connection: Connection,
  clock: Clock,
  units: readonly Unit[],
  attempt = 1,
): Promise<UnitOutcome[]> {
  try {
    const mutations = units.flatMap((unit) => unit.map(failing));
    const singleUseTransaction = { readWrite: {} };
    const results = await connection.commit({ mode: 'TRANSACTIONAL', singleUseTransaction, mutations });
    let at = 0;
    return units.map((unit) => ({ status: 'applied', versions: unit.map(() => results[at++]!.version) }));
  } catch (thrown) {
    const failure = failureOf(thrown);
    if (isFatal(failure)) throw errorOf(thrown, connection.where);
    const cause = sentenceOf(thrown);
    const all = (outcome: UnitOutcome) => units.map(() => outcome);
    const spent = attempt >= LIMITS.callAttempts;
    switch (failure) {
      case 'unknown':
        return all({ status: 'unknown', cause });
      case 'refused':
        if (units.length === 1) return all({ status: 'refused', code: 'entity.refused', cause });
        return inHalves(connection, clock, units, attempt);
      case 'conflict':
        if (units.length === 1) return all({ status: 'conflict' });
        return attempt > LOOKS
          ? inHalves(connection, clock, units, 1)
          : withoutLosers(connection, clock, units, attempt);
      default:
        // Surely not applied. That the store takes no more of anything is for the pace to know, not for another attempt.
        if (spent || failure === 'exhausted') return all({ status: 'busy', why: failure, cause });
        await pause(clock, attempt);
        // Fewer records a commit, fewer that somebody else is at.
        return inHalves(connection, clock, units, attempt + 1);
    }
  }
}

/** "Must not exist" is an insert: a version of 0 would mean "never existed" to some servers. */
function failing({ op, entity, key, version }: Prepared): WireMutation {
  if (op === 'insert') return { insert: entity! };
  const write = entity ? { upsert: entity } : { delete: key };
  return { ...write, baseVersion: version!, conflictResolutionStrategy: 'FAIL' };
}

async function withoutLosers(
  connection: Connection,
  clock: Clock,
  units: readonly Unit[],
  attempt: number,
): Promise<UnitOutcome[]> {
  const versions = await versionsOf(
    connection,
    units.flatMap((unit) => unit.map(({ key }) => key)),
  );
  const outcomes = new Array<UnitOutcome>(units.length).fill({ status: 'conflict' });
  const open = units.flatMap((unit, i) => (unit.every(({ id, version }) => versions.get(id) === version) ? [i] : []));
  if (open.length === 0) return outcomes;
  const answers = await commitWhole(
    connection,
    clock,
    open.map((i) => units[i]!),
    attempt + 1,
  );
  open.forEach((i, n) => {
    outcomes[i] = answers[n]!;
  });
  return outcomes;
}

async function inHalves(
  connection: Connection,
  clock: Clock,
  units: readonly Unit[],
  attempt: number,
): Promise<UnitOutcome[]> {
  const half = Math.ceil(units.length / 2);
  const first = await commitWhole(connection, clock, units.slice(0, half), attempt);
  if (half === units.length) return first;
  return [...first, ...(await commitWhole(connection, clock, units.slice(half), attempt))];
}
