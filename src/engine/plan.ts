import type { Migration } from '../define/migration.ts';
import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { KeyRange, Store } from '../store/store.ts';
import { costOf, type PlanCost } from './planCost.ts';
import { planPage } from './planPage.ts';
import { homeRange } from './sweep.ts';

/** What a migration would meet and cost, found by reading alone. */
export interface PlanReport {
  readonly migration: string;
  readonly version: number;
  /** Percent of the records on which the transforms were tried. */
  readonly sample: number;
  /** Entities of the old homes that were looked at. */
  seen: number;
  /** Records at home, with nothing of them under way, whose new key is known. */
  records: number;
  /** Bytes of their content and keys. */
  bytes: number;
  /** Records that a campaign has in hand already, as their slots say: copied, ceded, switched, on their way back. */
  inFlight: number;
  readonly rules: RulePlan[];
  /** Records for which the store allows the short path: both homes in one atomic commit. */
  short: number;
  cost: PlanCost;
  /** Records that could not be moved, by code; they would be quarantined. */
  readonly problems: Record<string, PlanProblem>;
  /** Records that would not come back as they were: what `backward` makes of `forward` differs. */
  readonly inexact: PlanProblem;
}

export interface RulePlan {
  readonly from: string;
  readonly into: string;
  /** False: what is modified after the switch could not be reversed. */
  readonly reversible: boolean;
  records: number;
  bytes: number;
  inFlight: number;
}

export interface PlanProblem {
  count: number;
  readonly samples: { readonly key: string; readonly message: string }[];
}

export interface PlanOptions {
  /** Percent of the records to try the transforms on. All are counted. Default: 100. */
  readonly sample?: number;
  /** The id of the campaign that runs, if one does: what it wrote is under way, not in the way. */
  readonly campaign?: string;
  /** Called after each page, and awaited. */
  readonly onProgress?: (seen: number) => void | Promise<void>;
  readonly signal?: AbortSignal;
}

/** Reads all old homes, page by page, and tries the migration on them. Writes nothing. */
export async function plan(store: Store, migration: Migration, options: PlanOptions = {}): Promise<PlanReport> {
  const reader = readOnlyStore(store);
  const report = emptyReport(migration, options.sample ?? 100);
  const context = { report, store: reader, campaign: options.campaign ?? '' };
  for (const [index, rule] of migration.records.entries()) {
    const of = report.rules[index]!;
    let range: KeyRange = homeRange(migration, index, 'S');
    for (let more = true; more; ) {
      if (options.signal?.aborted)
        throw new HandoverError('wait.interrupted', 'Planning stopped; nothing was written.');
      const page = await reader.scan(range, LIMITS.pageSize);
      await planPage(page.entities, rule, of, context);
      await options.onProgress?.(report.seen);
      more = page.more;
      const last = page.entities[page.entities.length - 1];
      if (last) range = { ...range, after: last.key };
    }
  }
  report.cost = costOf(report.records, report.short);
  return report;
}

const emptyReport = (migration: Migration, sample: number): PlanReport => ({
  migration: migration.name,
  version: migration.version,
  sample,
  seen: 0,
  records: 0,
  bytes: 0,
  inFlight: 0,
  rules: migration.records.map(({ from, into, reversible }) => {
    return { from: from.join('/'), into: into.join('/'), reversible, records: 0, bytes: 0, inFlight: 0 };
  }),
  short: 0,
  cost: costOf(0, 0),
  problems: {},
  inexact: { count: 0, samples: [] },
});

/**
 * A store that cannot write: how a dry run is kept dry. Not a flag that is looked at here and there, but the only thing
 * that the dry run holds.
 */
export function readOnlyStore(store: Store): Store {
  const refuse = async (): Promise<never> => {
    throw new HandoverError('store.readOnly', `${store.capabilities.name} is only read here.`);
  };
  return {
    capabilities: store.capabilities,
    scan: (range, limit) => store.scan(range, limit),
    split: (range, n) => store.split(range, n),
    read: (keys) => store.read(keys),
    readTogether: (keys) => store.readTogether(keys),
    find: (range, property, value, limit) => store.find(range, property, value, limit),
    commit: refuse,
    commitTogether: refuse,
    overwrite: refuse,
    close: () => store.close(),
  };
}
