import { useEffect, useState } from 'preact/hooks';
import { ask, paths } from './api.ts';
import type { CampaignStatus, Job, PlanReport } from './types.ts';

/** Plans that were made in this tab. */
const KEPT = 'handover.plan.';

export function keptPlan(migration: string): PlanReport | undefined {
  const text = sessionStorage.getItem(KEPT + migration);
  return text === null ? undefined : (JSON.parse(text) as PlanReport);
}

/** Whoever signs in next in this tab may not be let see them. */
export function forgetPlans(): void {
  for (const name of Object.keys(sessionStorage)) if (name.startsWith(KEPT)) sessionStorage.removeItem(name);
}

export function keepPlan(report: PlanReport): void {
  try {
    sessionStorage.setItem(KEPT + report.migration, JSON.stringify(report));
  } catch {
    // No room: it is shown all the same, and made again when asked for.
  }
}

/** The plan that was made in this tab, or else the newest one that the server has made for somebody and still keeps. */
export function usePlan(migration: string): PlanReport | undefined {
  const [plan, setPlan] = useState(() => keptPlan(migration));
  useEffect(() => {
    // Without one there is nothing to hold the cost against, which is said, and is no fault.
    if (!plan) toldPlan(migration).then(setPlan, () => {});
  }, [migration]);
  return plan;
}

async function toldPlan(migration: string): Promise<PlanReport | undefined> {
  const { body } = await ask<{ readonly jobs: readonly Job[] }>(paths.jobs);
  const plans = body.jobs.filter(({ what, of, state }) => what === 'plan' && of === migration && state === 'done');
  const newest = plans.toSorted((a, b) => (b.endedAt ?? 0) - (a.endedAt ?? 0))[0];
  return newest && ((await ask<Job>(paths.job(newest.id))).body.result as PlanReport | undefined);
}

const DONE: Partial<Record<CampaignStatus['stage'], readonly string[]>> = {
  copying: ['start'],
  copied: ['start'],
  switching: ['start', 'switch'],
  switched: ['start', 'switch'],
  completing: ['start', 'switch', 'complete'],
  completed: ['start', 'switch', 'complete'],
};

/**
 * Operations of the steps that a campaign has gone through by the plan; of the last one for its share, as far as its sweep
 * is. An estimate: nobody counts the operations of one campaign.
 */
export function spent({ stage, sweep, targets }: CampaignStatus, { steps }: PlanReport) {
  const verbs = DONE[stage];
  if (!verbs) return undefined;
  const mine = steps.filter(({ command }) => verbs.some((verb) => command?.split(' ')[1] === verb));
  let operations = 0;
  let money: number | undefined = 0;
  const last = verbs.at(-1)!;
  const underWay = sweep.share * shareOf(targets, AIMED[last]!);
  for (const { command, cost } of mine) {
    const part = command?.split(' ')[1] === last ? underWay : 1;
    operations += part * (cost.reads + cost.writes + cost.deletes);
    money = money === undefined || cost.money === undefined ? undefined : money + part * cost.money;
  }
  return { operations: Math.round(operations), ...(money === undefined ? {} : { money }) };
}

/** What the records that a step is for are wanted at. */
const AIMED: Readonly<Record<string, readonly string[]>> = {
  start: ['copied', 'switched', 'completed'],
  switch: ['switched', 'completed'],
  complete: ['completed'],
};

/** 0 to 1. */
const shareOf = (targets: CampaignStatus['targets'], aimed: readonly string[]): number =>
  targets.reduce((sum, { below, target }, i) => {
    const from = targets[i - 1]?.below ?? 0;
    return aimed.includes(target) ? sum + (below - from) / 100 : sum;
  }, 0);
