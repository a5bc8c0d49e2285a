import { count } from '../format.ts';
import { keptPlan, spent } from '../plans.ts';
import type { CampaignStatus } from '../types.ts';

/** By the plan: so much of what all steps come to. */
export function CostSoFar({ status }: { status: CampaignStatus }) {
  const plan = keptPlan(status.migration);
  if (!plan) return <>Make a plan to hold it against.</>;
  const { reads, writes, deletes, money } = plan.total;
  const total = `${count(reads + writes + deletes)} operations${money === undefined ? '' : ` (${money.toFixed(2)} ${plan.prices?.currency ?? ''})`}`;
  const sofar = spent(status, plan);
  if (!sofar) return <>The plan’s total is {total}.</>;
  return (
    <>
      About {count(sofar.operations)} operations
      {sofar.money !== undefined && ` (${sofar.money.toFixed(2)} ${plan.prices?.currency ?? ''})`} of the plan’s {total}
      , by the plan’s own figures.
    </>
  );
}
