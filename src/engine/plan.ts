import type { Migration } from '../define/migration.ts';
import { viewOf } from '../define/parts.ts';
import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { PriceList } from '../store/prices.ts';
import { readOnlyStore } from '../store/readOnly.ts';
import type { KeyRange, Store } from '../store/store.ts';
import { KeySet } from './keySet.ts';
import { costOf, type Population, total } from './planCost.ts';
import { planFieldPage } from './planFields.ts';
import { type PlanContext, planPage } from './planPage.ts';
import { planReferences } from './planReferences.ts';
import type { PlanCosts, PlanFindings, PlanReport, PlanSample, RulePlan, SubscriptionPlan } from './planReport.ts';
import { type Counted, marginOf, type Pieces, piecesOf, type SampleSize } from './planSample.ts';
import { stepsOf } from './planSteps.ts';
import { countOf, finished, planSubscriptions } from './planSubscriptions.ts';
import { RAMP, type Ramp } from './ramp.ts';
import type { ReferencePlan, Undeclared } from './referencesReport.ts';
import { pagesOf } from './subscribers.ts';
import { firstField, firstReferring } from './sweep.ts';
import { undeclaredIn } from './undeclared.ts';

export interface PlanOptions {
  /** How much to read. Default: everything. */
  readonly sample?: SampleSize;
  /** The id of the campaign that runs, if one does: what it wrote is under way, not in the way. */
  readonly campaign?: string;
  /** Default: what the store declares. */
  readonly prices?: PriceList;
  readonly ramp?: Ramp;
  /** New keys that are remembered to find collisions. */
  readonly keys?: number;
  /** Called after each page, and awaited. */
  readonly onProgress?: (seen: number) => void | Promise<void>;
  readonly signal?: AbortSignal;
}

/** Reads the old homes, page by page, and moves every record there and back in memory. Writes nothing. */
export async function plan(writable: Store, migration: Migration, options: PlanOptions = {}): Promise<PlanReport> {
  const store = viewOf(readOnlyStore(writable), migration);
  const findings: PlanFindings = { seen: 0, problems: {}, inexact: { count: 0, samples: [] }, unchecked: 0 };
  const keys = options.keys ?? LIMITS.planKeys;
  const context = {
    store,
    findings,
    campaign: options.campaign ?? `${migration.name}.1`,
    targets: new KeySet(keys),
    groups: migration.by === 'group' ? new KeySet(keys) : undefined,
  };
  const pieces = await piecesOf(store, migration, options.sample);
  const rules: RulePlan[] = [];
  const counted: Counted[] = [];
  const inPlace = migration.fields.map((_, i) => firstField(migration) + i);
  for (const index of [...migration.records.keys(), ...inPlace]) {
    const { ranges, of } = pieces[index]!;
    const found = emptyRule(migration, index);
    const counts: number[] = [];
    for (const range of ranges) {
      const before = found.records + found.inFlight;
      await planRange(range, index, found, migration, context, options);
      counts.push(found.records + found.inFlight - before);
    }
    counted.push({ counts, of });
    rules.push(times(found, of / ranges.length));
  }
  const subscriptions = await subscriptionsOf(migration, pieces, { ...context, paths: new KeySet(keys) }, options);
  const stop = () => {
    if (options.signal?.aborted) throw stopped();
  };
  const references = await planReferences(store, migration, pieces.slice(firstReferring(migration)), stop);
  const undeclared = await undeclaredIn(store, migration, options.signal);
  stop();
  const found = { rules, subscriptions, references, undeclared, findings, counted, groups: context.groups?.size };
  return reportOf(migration, store, found, options);
}

async function subscriptionsOf(
  { records, subscriptions }: Migration,
  pieces: readonly Pieces[],
  context: Parameters<typeof planSubscriptions>[2],
  { signal, onProgress }: PlanOptions,
): Promise<SubscriptionPlan[]> {
  const plans: SubscriptionPlan[] = [];
  for (const [i, rule] of subscriptions.entries()) {
    const { ranges, of } = pieces[records.length + i]!;
    const counting = countOf(rule);
    for (const range of ranges) {
      for await (const page of pagesOf(context.store, range, () => LIMITS.pageSize)) {
        if (signal?.aborted) throw stopped();
        await planSubscriptions(page, counting, context);
        await onProgress?.(context.findings.seen);
      }
    }
    plans.push(finished(counting, of / ranges.length));
  }
  return plans;
}

const stopped = () => new HandoverError('wait.interrupted', 'Planning stopped; nothing was written.');

async function planRange(
  whole: KeyRange,
  index: number,
  found: RulePlan,
  migration: Migration,
  context: PlanContext,
  { signal, onProgress }: PlanOptions,
): Promise<void> {
  let range = whole;
  for (let more = true; more; ) {
    if (signal?.aborted) throw stopped();
    const page = await context.store.scan(range, LIMITS.pageSize);
    const field = migration.fields[index - firstField(migration)];
    if (field) planFieldPage(page.entities, field, found, context);
    else await planPage(page.entities, migration.records[index]!, found, context);
    await onProgress?.(context.findings.seen);
    more = page.more;
    const last = page.entities[page.entities.length - 1];
    if (last) range = { ...range, after: last.key };
  }
}

interface Found {
  readonly rules: readonly RulePlan[];
  readonly subscriptions: readonly SubscriptionPlan[];
  readonly references: readonly ReferencePlan[];
  readonly undeclared: readonly Undeclared[];
  readonly findings: PlanFindings;
  readonly counted: readonly Counted[];
  readonly groups: number | undefined;
}

function reportOf(
  { name, version, by }: Migration,
  store: Store,
  { rules, subscriptions, references, undeclared, findings, counted, groups: seenGroups }: Found,
  options: PlanOptions,
): PlanReport {
  const sum = (of: (rule: RulePlan) => number) => rules.reduce((all, rule) => all + of(rule), 0);
  const size = {
    records: sum(({ records }) => records),
    inFlight: sum(({ inFlight }) => inFlight),
    short: sum(({ short }) => short),
    inPlace: sum((rule) => rule.inPlace),
    bytes: sum(({ bytes }) => bytes),
    newBytes: sum(({ newBytes }) => newBytes),
    slotBytes: sum(({ slotBytes }) => slotBytes),
    indexEntries: sum(({ indexEntries }) => indexEntries),
    newIndexEntries: sum(({ newIndexEntries }) => newIndexEntries),
  };
  const sample = sampleOf(counted);
  // Groups of which one piece was read may have been counted for others too: so at most that many.
  const groups = seenGroups && Math.min(size.records, Math.round((seenGroups * 100) / (sample?.percent ?? 100)));
  const population: Population = {
    by,
    snapshotReads: store.capabilities.snapshotReads,
    records: size.records,
    short: size.short,
    inPlace: size.inPlace,
    groups: groups ?? 0,
    oldIndexEntries: size.indexEntries,
    newIndexEntries: size.newIndexEntries,
  };
  const oneWay = rules.some(({ reversible }) => !reversible);
  return {
    migration: name,
    version,
    by,
    ...(sample ? { sample } : {}),
    ...size,
    ...(groups === undefined ? {} : { groups }),
    rules,
    ...(subscriptions.length > 0 ? { subscriptions } : {}),
    ...(references.length > 0 ? { references } : {}),
    ...(undeclared.length > 0 ? { undeclared } : {}),
    ...findings,
    ...costsOf(name, oneWay, population, size.newBytes + size.slotBytes, {
      ramp: options.ramp ?? RAMP,
      prices: options.prices ?? store.prices,
    }),
  };
}

function costsOf(
  name: string,
  oneWay: boolean,
  population: Population,
  bytes: number,
  terms: { readonly ramp: Ramp; readonly prices: PriceList | undefined },
): PlanCosts {
  const { ramp, prices } = terms;
  const steps = stepsOf(name, oneWay, population, terms);
  return {
    steps,
    total: total(steps.map(({ cost }) => cost)),
    inOneGo: costOf({ inOneGo: 1 }, population, terms),
    atRest: {
      copied: costOf({ restCopied: 1 }, population, terms),
      switched: costOf({ restSwitched: 1 }, population, terms),
    },
    ramp,
    ...(prices ? { prices, storageAMonth: (bytes / 2 ** 30) * prices.storage } : {}),
  };
}

function emptyRule(migration: Migration, index: number): RulePlan {
  const { from, into, reversible } = namesOf(migration, index);
  const none = { records: 0, inFlight: 0, short: 0, inPlace: 0, bytes: 0, newBytes: 0, slotBytes: 0 };
  return { from, into, reversible, ...none, indexEntries: 0, newIndexEntries: 0 };
}

function namesOf(migration: Migration, index: number): Pick<RulePlan, 'from' | 'into' | 'reversible'> {
  const moved = migration.records[index];
  if (moved) return { from: moved.from.join('/'), into: moved.into.join('/'), reversible: moved.reversible };
  const { of, old, new: now, reversible } = migration.fields[index - firstField(migration)]!;
  const named = (names: readonly string[]) =>
    `${of.join('/')}.${names.length === 1 ? names[0] : `(${names.join(', ')})`}`;
  return { from: named(old), into: named(now), reversible };
}

/** A rule's numbers, extrapolated. */
function times(found: RulePlan, factor: number): RulePlan {
  if (factor === 1) return found;
  const numbers = Object.entries(found).flatMap(([name, value]) =>
    typeof value === 'number' ? [[name, Math.round(value * factor)] as const] : [],
  );
  return { ...found, ...Object.fromEntries(numbers) };
}

function sampleOf(counted: readonly Counted[]): PlanSample | undefined {
  if (counted.every(({ counts, of }) => counts.length === of)) return undefined;
  const read = counted.map(({ counts }) => counts.reduce((sum, count) => sum + count, 0));
  const all = counted.reduce((sum, { counts, of }, i) => sum + (read[i]! * of) / counts.length, 0);
  const marginPercent = marginOf(counted);
  const percent = all === 0 ? 100 : (100 * read.reduce((sum, count) => sum + count, 0)) / all;
  return { percent, ...(marginPercent === undefined ? {} : { marginPercent }) };
}
