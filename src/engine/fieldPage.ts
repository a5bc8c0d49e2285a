import type { FieldState } from '../../machines/field.ts';
import type { Move, Target } from '../../machines/moves.ts';
import { matches, type Verdict } from '../define/entity.ts';
import type { FieldRule } from '../define/field.ts';
import { type ErrorCode, HandoverError, isPassing } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Key } from '../record/key.ts';
import type { Entity, Outcome } from '../store/store.ts';
import { BusyPause } from './busyPause.ts';
import { add, type Counts } from './counts.ts';
import { Fenced } from './fence.ts';
import { type FieldHeld, holdField } from './field.ts';
import { type FieldWrite, settleField, wayTo } from './fieldMoves.ts';
import { batches, readAll } from './looks.ts';
import type { PageOptions } from './page.ts';
import { entryOf, listedOf, quarantine } from './quarantine.ts';

export type FieldOptions = Pick<
  PageOptions,
  'store' | 'actor' | 'fence' | 'clock' | 'campaign' | 'ruleIndex' | 'onMoves' | 'onQuarantined' | 'pacer'
> & {
  readonly rule: FieldRule;
  readonly targetOf: (key: Key) => Target;
};

interface FieldItem {
  readonly key: Key;
  held: FieldHeld | 'look';
  state?: FieldState;
  moves: number;
  doubtful?: true;
  result?: 'rest' | 'unresolved' | 'gone' | { readonly code: ErrorCode; readonly message: string };
}

/**
 * Brings all records of one scanned page to their targets, in place. Each move is one compare-and-set of one entity, and
 * names the version that was read: what anybody wrote meanwhile is looked at again, and nothing else has to be.
 */
export async function processFields(
  entities: readonly Entity[],
  options: FieldOptions,
): Promise<{ readonly counts: Counts; readonly newlyQuarantined: number }> {
  const { rule, store, campaign } = options;
  const items = entities
    .filter(({ key }) => matches(rule.of, key))
    .map((entity): FieldItem => reread({ key: entity.key, held: 'look', moves: 0 }, entity, rule));
  const sources = items.map(({ key }) => key);
  const listed = campaign.quarantines ? await listedOf(store, campaign.id, sources) : [];
  const open = items.filter((_, i) => !listed[i]);
  const setAside = items.length - open.length;
  await bring(open, options);
  const counts: Counts = {};
  for (const item of open) countItem(item, counts);
  // No group: it moves to none, and nobody waits for it.
  const failures = open.flatMap(({ key, result }) =>
    typeof result === 'object' ? [entryOf({ source: key, peer: key, ...result }, options)] : [],
  );
  const { fresh, unlisted } = await quarantine(options, campaign, failures);
  for (const entry of fresh) options.onQuarantined?.(entry);
  if (unlisted > 0) add(counts, 'unresolved', unlisted);
  if (setAside + failures.length > 0) add(counts, 'quarantined', setAside + failures.length);
  const seen = setAside + open.filter(({ result, state }) => result !== 'gone' && state !== 'absent').length;
  return { counts: { ...counts, seen }, newlyQuarantined: failures.length };
}

/** Rounds of: decide for all, commit all, look again at those that lost. */
async function bring(items: readonly FieldItem[], options: FieldOptions): Promise<void> {
  const { fence, clock, pacer } = options;
  const pause = new BusyPause(clock, pacer);
  for (let round = 0; round < LIMITS.roundsPerPage; round++) {
    await lookAgain(
      items.filter(({ held, result }) => held === 'look' && !result),
      options,
    );
    const planned = items.flatMap((item) => plan(item, options) ?? []);
    if (planned.length === 0) return;
    await fence.renew(pause.leftMs);
    fence.check();
    await carryOut(planned, pause, options);
    pause.after(planned.length);
  }
  for (const item of items) item.result ??= 'unresolved';
}

function reread(item: FieldItem, entity: Entity | undefined, rule: FieldRule): FieldItem {
  if (!entity) return Object.assign(item, { result: 'gone' });
  return attempt(item, () => {
    item.held = holdField(rule, entity);
  });
}

async function lookAgain(items: readonly FieldItem[], { store, rule }: FieldOptions): Promise<void> {
  const keys = items.map(({ key }) => key);
  const found = await readAll(store, keys);
  items.forEach((item, i) => {
    reread(item, found[i], rule);
  });
}

interface Planned {
  readonly item: FieldItem;
  readonly moves: readonly Move['type'][];
  readonly write: FieldWrite;
}

interface Choice {
  readonly item: FieldItem;
  readonly held: FieldHeld;
  readonly verdict: Verdict;
}

/** What to do next for a record; undefined when it is finished. */
function plan(item: FieldItem, options: FieldOptions): Planned | Choice | undefined {
  const { held, result } = item;
  if (result || held === 'look') return undefined;
  let planned: Planned | Choice | undefined;
  attempt(item, () => {
    const { store, actor, targetOf } = options;
    const way = wayTo(held, targetOf(held.key), actor, store.capabilities);
    item.state = way.state;
    if (way.state === 'split') planned = { item, held, verdict: verdictOn(held) };
    else if (way.write) planned = { item, moves: way.moves, write: way.write };
    else item.result = 'rest';
  });
  return planned;
}

/** Asks the author which of both is right. */
function verdictOn({ rule, key, old, now }: FieldHeld): Verdict {
  const verdict = old && now && rule.onSplit?.(key, old, now);
  if (verdict) return verdict;
  throw new HandoverError('record.split', `Old and new properties of ${key} were both written.`);
}

async function carryOut(
  planned: readonly (Planned | Choice)[],
  pause: BusyPause,
  options: FieldOptions,
): Promise<void> {
  const { store, fence } = options;
  const answers: { readonly plan: Planned | Choice; readonly outcome: Outcome | undefined }[] = [];
  const moves = planned.flatMap((plan) => ('write' in plan ? [plan] : []));
  for (const part of batches(moves, store.capabilities.maxMutations)) {
    const outcomes = await store.commit(
      part.map(({ write }) => write),
      fence.guard,
    );
    part.forEach((plan, i) => {
      answers.push({ plan, outcome: outcomes[i]! });
    });
  }
  for (const plan of planned) {
    if (!('verdict' in plan)) continue;
    await fence.renew();
    fence.check();
    answers.push({ plan, outcome: await settled(plan, options) });
  }
  for (const { plan, outcome } of answers) {
    if (outcome?.status === 'busy') pause.met(outcome.why);
    settle(plan, outcome, options);
  }
}

async function settled({ item, held, verdict }: Choice, options: FieldOptions): Promise<Outcome | undefined> {
  const { store, actor, fence } = options;
  try {
    return await settleField({ store, actor, guard: fence.guard }, held, verdict);
  } catch (error) {
    if (isPassing(error) || !(error instanceof HandoverError)) throw error;
    item.result = { code: error.code, message: error.detail };
    return undefined;
  }
}

function settle(plan: Planned | Choice, outcome: Outcome | undefined, { onMoves, rule }: FieldOptions): void {
  const { item } = plan;
  if (outcome?.status === 'fenced') throw new Fenced();
  if (outcome?.status === 'refused') item.result = { code: outcome.code, message: outcome.cause };
  // Surely not applied: what is held still is, and the same is tried again. All else is looked at again.
  if (outcome?.status === 'busy') return;
  item.held = 'look';
  if (outcome === undefined || outcome.status === 'unknown') item.doubtful = true;
  if (outcome?.status !== 'applied') return;
  item.moves += 'write' in plan ? plan.moves.length : 1;
  if (!('write' in plan)) return;
  item.held = holdField(rule, { ...plan.write, version: outcome.version });
  for (const move of plan.moves) onMoves?.(move, 1);
}

function countItem({ state, moves, doubtful, result }: FieldItem, counts: Counts): void {
  if (moves > 0) add(counts, 'moved');
  if (moves > 0) add(counts, 'moves', moves);
  if (doubtful) add(counts, 'doubtful');
  if (result === 'unresolved') add(counts, 'unresolved');
  if (result === 'rest' && state !== 'absent') add(counts, `F.${state}`);
}

/** Runs author code and slot decoding for one record; what it throws is that record's failure and nobody else's. */
function attempt(item: FieldItem, run: () => void): FieldItem {
  try {
    run();
  } catch (error) {
    if (!(error instanceof HandoverError)) throw error;
    item.result = { code: error.code, message: error.detail };
  }
  return item;
}
