import { matches } from '../define/entity.ts';
import { pathOf, type SubscriptionRule, type SubscriptionTerms } from '../define/subscription.ts';
import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Entity, Store } from '../store/store.ts';
import { loadMany } from './documents.ts';
import type { KeySet } from './keySet.ts';
import { tried } from './planPage.ts';
import type { PlanFindings, SubscriptionPlan } from './planReport.ts';
import { callbackKey, subscriptionKey } from './subscriptionDocument.ts';

/** The subscriptions of one kind of record, and what has to be asked for them. Nobody was asked anything yet. */
export interface SubscriptionCount {
  readonly plan: SubscriptionPlan & { readonly servers: Record<string, number> };
  readonly rule: SubscriptionRule;
}

export function countOf(rule: SubscriptionRule): SubscriptionCount {
  const { of, hub, protocol } = rule;
  const requests = { start: 0, switch: 0, reverse: 0 };
  const none = { subscriptions: 0, inFlight: 0, discovered: 0, servers: {}, requests };
  return { rule, plan: { of: of.join('/'), hub: hub.name, protocol, shape: hub.shape, ...none } };
}

/** Adds one page of records. One whose `terms` fail, or name a callback twice, is counted with its cause. */
export async function planSubscriptions(
  entities: readonly Entity[],
  { rule, plan }: SubscriptionCount,
  { store, findings, paths }: { readonly store: Store; readonly findings: PlanFindings; readonly paths: KeySet },
): Promise<void> {
  const found: { readonly entity: Entity; readonly terms: SubscriptionTerms }[] = [];
  for (const entity of entities) {
    if (!matches(rule.of, entity.key)) continue;
    tried(findings, entity.key, () => {
      const terms = rule.termsOf(entity.key, entity.content);
      if (terms) found.push({ entity, terms });
    });
  }
  const keys = found.map(({ entity }) => subscriptionKey(entity.key.toString()));
  const documents = await loadMany(store, 'subscription', keys);
  for (const [i, { entity, terms }] of found.entries()) {
    const state = documents[i]?.value.state;
    if (state && state !== 'settled') plan.inFlight++;
    else if (tried(findings, entity.key, () => check(entity, terms, rule, paths))) countIn(plan, terms, rule);
  }
}

function check({ key }: Entity, { old, new: its }: SubscriptionTerms, { hub }: SubscriptionRule, paths: KeySet): void {
  if (hub.isSender) return;
  for (const path of [pathOf(old), pathOf(its)]) {
    if (paths.add(callbackKey(path)) === 'present')
      throw new HandoverError('target.collision', `${key} and another record have the callback ${path}.`);
  }
}

function countIn(plan: SubscriptionCount['plan'], { hub }: SubscriptionTerms, rule: SubscriptionRule): void {
  plan.subscriptions++;
  if (hub === undefined && rule.hub.discover) {
    plan.discovered++;
    return;
  }
  const host = hub === undefined ? rule.hub.name : new URL(hub).host;
  const name = host in plan.servers || Object.keys(plan.servers).length < LIMITS.samples ? host : 'others';
  plan.servers[name] = (plan.servers[name] ?? 0) + 1;
}

/** With all numbers extrapolated, and what they make of requests. */
export function finished({ rule, plan }: SubscriptionCount, factor: number): SubscriptionPlan {
  const times = (n: number) => Math.round(n * factor);
  const [subscriptions, discovered] = [times(plan.subscriptions), times(plan.discovered)];
  const looks = rule.hub.fetch ? subscriptions : 0;
  // Where there is one URL, the one request that replaces it comes with the switch.
  const swaps = plan.shape === 'swap';
  return {
    ...plan,
    subscriptions,
    discovered,
    inFlight: times(plan.inFlight),
    servers: Object.fromEntries(Object.entries(plan.servers).map(([name, n]) => [name, times(n)])),
    requests: {
      start: discovered + (swaps ? 0 : subscriptions + looks),
      switch: subscriptions + looks,
      reverse: (swaps ? 1 : 2) * subscriptions + looks,
    },
  };
}
