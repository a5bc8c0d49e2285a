import { count, many } from '../format.ts';
import { spent, usePlan } from '../plans.ts';
import type { CampaignStatus } from '../types.ts';

/** By the plan: so much of what all steps come to. */
export function CostSoFar({ status }: { status: CampaignStatus }) {
  const plan = usePlan(status.migration);
  if (!plan) return <>Make a plan to hold it against.</>;
  if (plan.inFlight > 0)
    return <>The plan was made with {many(plan.inFlight, 'record')} under way, so its total is not the whole.</>;
  const { reads, writes, deletes, money } = plan.total;
  const total = `${count(reads + writes + deletes)} operations${money === undefined ? '' : ` (${money.toFixed(2)} ${plan.prices?.currency ?? ''})`}`;
  const sofar = spent(status, plan);
  if (!sofar) return <>The plan’s total is {total}.</>;
  return (
    <>
      About {many(Number(sofar.operations.toPrecision(2)), 'operation')}
      {sofar.money !== undefined && ` (${sofar.money.toFixed(2)} ${plan.prices?.currency ?? ''})`} of the plan’s {total}
      , by the plan’s own figures.
    </>
  );
}
