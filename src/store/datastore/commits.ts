import { type Clock, elapsed, moment } from '../../clock.ts';
import { LIMITS } from '../../limits.ts';
import type { Mutation, NotApplied, Outcome, Store, UnitOutcome } from '../store.ts';
import { batchesOf, inParallel, type Room } from './batches.ts';
import type { Behaviour } from './behaviour.ts';
import type { Connection } from './client.ts';
import { commitEach } from './commitEach.ts';
import { commitWhole } from './commitWhole.ts';
import { overwrite } from './overwrite.ts';
import { isPrepared, type Prepared, prepare } from './prepare.ts';
import type { Writing } from './toWire.ts';

type Committer = Pick<Store, 'commit' | 'commitTogether' | 'overwrite'>;

/** Writes by the fastest way that the probe has seen to be safe. */
export function committerOf(to: Connection & Writing, { commitsEach, groups }: Behaviour, clock: Clock): Committer {
  const anywhere: Room = {
    mutations: LIMITS.pageSize,
    bytes: to.isEmulator ? LIMITS.emulatorRequestBytes : LIMITS.datastoreRequestBytes,
    groups: Number.POSITIVE_INFINITY,
  };

  const turn = turnsOf(to.isEmulator ? LIMITS.emulatorTransactions : Number.POSITIVE_INFINITY);

  const inUnits = async (units: readonly Prepared[][]): Promise<UnitOutcome[]> => {
    // Those of one group in one commit: it spans fewer groups then, and no two under way write to the same.
    const order = units.map((_, i) => i).sort((a, b) => compare(groupOf(units[a]!), groupOf(units[b]!)));
    const inOrder = order.map((i) => units[i]!);
    const batches = batchesOf(inOrder, { ...anywhere, groups });
    const prompt = promptly(to, clock);
    const whole = (batch: readonly (readonly Prepared[])[]) => turn(() => commitWhole(prompt, clock, batch));
    const answers = await inParallel(batches, LIMITS.datastoreCommits, whole);
    const outcomes = new Array<UnitOutcome>(units.length);
    for (const [n, answer] of answers.flat().entries()) outcomes[order[n]!] = answer;
    return outcomes;
  };
  const each = async (all: readonly Prepared[]): Promise<Outcome[]> => {
    if (!commitsEach) return (await inUnits(all.map((one) => [one]))).map(ofOne);
    const batches = batchesOf(
      all.map((one) => [one]),
      anywhere,
    );
    const prompt = promptly(to, clock);
    return (
      await inParallel(batches, LIMITS.datastoreCommits, (batch) => commitEach(prompt, clock, batch.flat()))
    ).flat();
  };

  return {
    async commit(mutations) {
      const outcomes = mutations.map((mutation) => prepare(to, mutation));
      const answers = (await each(outcomes.filter(isPrepared)))[Symbol.iterator]();
      return outcomes.map((made): Outcome => (isPrepared(made) ? answers.next().value! : made));
    },
    async commitTogether(units) {
      const outcomes = units.map((unit) => prepareUnit(to, unit));
      const whole = outcomes.filter((made): made is Prepared[] => Array.isArray(made));
      // Without transactions every unit is one mutation: the port has checked.
      const settled = groups > 0 ? await inUnits(whole) : (await each(whole.flat())).map(asUnit);
      const answers = settled[Symbol.iterator]();
      return outcomes.map((made): UnitOutcome => (Array.isArray(made) ? answers.next().value! : made));
    },
    overwrite: (puts, removes = []) => overwrite(to, puts, removes, anywhere),
  };
}

/**
 * What was handed in is sent within one deadline, or not at all: the port promises that it does not land much later
 * (`lateMs`). To what is not sent any more the answer is `unknown`: an earlier attempt may be under way.
 */
function promptly(to: Connection, clock: Clock): Connection {
  const handedIn = moment(clock);
  const commit: Connection['commit'] = async (request) => {
    if (elapsed(clock, handedIn) <= to.deadlineMs) return to.commit(request);
    throw Object.assign(new Error('it was not sent in time'), { code: UNAVAILABLE });
  };
  return { ...to, commit };
}
const UNAVAILABLE = 14;

/** Runs what it is given, so many at a time. */
function turnsOf(width: number): <R>(run: () => Promise<R>) => Promise<R> {
  let free = width;
  const waiting: (() => void)[] = [];
  return async (run) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await run();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free++;
    }
  };
}

const groupOf = (unit: readonly Prepared[]): string => unit[0]!.group;
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const ofOne = (outcome: UnitOutcome): Outcome =>
  outcome.status === 'applied' ? { status: 'applied', version: outcome.versions[0]! } : outcome;
const asUnit = (outcome: Outcome): UnitOutcome =>
  outcome.status === 'applied' ? { status: 'applied', versions: [outcome.version] } : outcome;

/** A unit with a mutation that cannot be applied is answered as a whole. */
function prepareUnit(to: Connection & Writing, unit: readonly Mutation[]): Prepared[] | NotApplied {
  const made = unit.map((mutation) => prepare(to, mutation));
  const lost = made.find((each): each is NotApplied => !isPrepared(each));
  return lost ?? made.filter(isPrepared);
}
