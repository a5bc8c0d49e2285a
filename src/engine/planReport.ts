import type { PriceList } from '../store/prices.ts';
import type { Cost } from './planCost.ts';
import type { PlanStep } from './planSteps.ts';
import type { SubscriptionPlan } from './planSubscriptions.ts';
import type { Ramp } from './ramp.ts';

/** What a migration would meet and cost, found by reading alone. Of a sample, all but the findings is extrapolated. */
export interface PlanReport extends PlanFindings, PlanCosts {
  readonly migration: string;
  readonly version: number;
  readonly by: 'record' | 'group';
  /** What was read, if not all. */
  readonly sample?: PlanSample;
  /** Records at home, with nothing of them under way, whose new key is known. */
  readonly records: number;
  /** Bytes of their content and keys: as they are, and in their new shape. */
  readonly bytes: number;
  readonly newBytes: number;
  /** Bytes of the slots that both sides carry while both homes stand. */
  readonly slotBytes: number;
  /** Entries of built-in indexes: of the old shape, and of the new one. */
  readonly indexEntries: number;
  readonly newIndexEntries: number;
  /** Records that a campaign has in hand already, as their slots say: copied, ceded, switched, on their way back. */
  readonly inFlight: number;
  /** Target groups; under `by: 'group'` only. */
  readonly groups?: number;
  /** Records for which the store allows the short path: both homes in one atomic commit. */
  readonly short: number;
  readonly rules: readonly RulePlan[];
  /** Where the migration has subscriptions. Their requests are no entity operations, and not in the costs. */
  readonly subscriptions?: readonly SubscriptionPlan[];
}

/** What was found at the records that were looked at. */
export interface PlanFindings {
  /** Entities of the old homes that were looked at. */
  seen: number;
  /** Records that could not be moved, by code; they would be quarantined. */
  readonly problems: Record<string, PlanProblem>;
  /** Records that would not come back as they were: what `backward` makes of `forward` differs. */
  readonly inexact: PlanProblem;
  /** Records whose new key was not remembered any more: two of them that share one were not found. */
  unchecked: number;
}

export interface PlanCosts {
  /** The journey, one small change after the other. */
  readonly steps: readonly PlanStep[];
  readonly total: Cost;
  /** The same by `start --to completed`, without a rest in between. */
  readonly inOneGo: Cost;
  /** One more look at everything, as a worker takes it at rest once a minute: at `copied`, and at `switched`. */
  readonly atRest: { readonly copied: Cost; readonly switched: Cost };
  readonly ramp: Ramp;
  readonly prices?: PriceList;
  /** What the second home and the slots cost a month while both homes stand, without indexes; at list price. */
  readonly storageAMonth?: number;
}

export interface PlanSample {
  /** About so many percent of the records were read. */
  readonly percent: number;
  /** Twice the standard error of the number of records, in percent of it; unset where it cannot be told. */
  readonly marginPercent?: number;
}

export interface RulePlan {
  readonly from: string;
  readonly into: string;
  /** False: what is modified after the switch could not be reversed. */
  readonly reversible: boolean;
  records: number;
  inFlight: number;
  short: number;
  bytes: number;
  newBytes: number;
  slotBytes: number;
  indexEntries: number;
  newIndexEntries: number;
}

export interface PlanProblem {
  count: number;
  readonly samples: { readonly key: string; readonly message: string }[];
}
