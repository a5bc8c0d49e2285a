import { costOf, type Population, type Terms } from './planCost.ts';
import type { Change, PlanStep } from './planReport.ts';

/** Percent of the records that switch first in a plan. */
const FIRST_SHARE = 10;

const OLD = 'old home';
const NEW = 'new home';
const ROUTER_OLD = 'router: old home';
const ROUTER_EITHER = 'router: whichever home owns the record';
const ROUTER_NEW = 'router: new home';
const NEW_EITHER = 'new home, directly or by the router';

const same = (where: string): Change => ({ before: where, after: where });
const WITH_AND_WITHOUT = 'instances with the router, and those from before it';
const ROUTER_ONLY = 'instances with the router, and no others';
const ROUTER_OR_NEW = 'instances with the router, and those of the new home only';

export function stepsOf(migration: string, oneWay: boolean, population: Population, terms: Terms): PlanStep[] {
  const cost = (shares: Parameters<typeof costOf>[0]) => costOf(shares, population, terms);
  const free = cost({});
  const part = FIRST_SHARE / 100;
  const verify = `handover verify ${migration}`;
  const code = (how: string): PlanStep['backOut'] => ({ how, cost: free });
  // Who was not switched yet loses its copy.
  const reverse = (switched: number): PlanStep['backOut'] => ({
    command: `handover reverse ${migration}`,
    how: oneWay ? 'not for records that are modified by then and have no `backward`' : 'with what was written since',
    cost: cost({ reverse: switched, recall: 1 - switched }),
  });
  return [
    {
      name: 'deploy the router',
      changes: 'code',
      reads: { before: OLD, after: ROUTER_OLD },
      writes: { before: OLD, after: ROUTER_OLD },
      compatible: WITH_AND_WITHOUT,
      check: 'handover doctor',
      cost: free,
      backOut: code('deploy the code from before'),
    },
    {
      name: 'copy',
      changes: 'data',
      command: `handover start ${migration}`,
      reads: same(ROUTER_OLD),
      writes: same(ROUTER_OLD),
      compatible: WITH_AND_WITHOUT,
      check: verify,
      cost: cost({ copy: 1 }),
      backOut: { command: `handover cancel ${migration}`, how: 'the copies are dropped', cost: cost({ recall: 1 }) },
    },
    {
      name: `switch ${FIRST_SHARE} %`,
      changes: 'data',
      command: `handover switch ${migration} --share ${FIRST_SHARE}`,
      reads: { before: ROUTER_OLD, after: ROUTER_EITHER },
      writes: { before: ROUTER_OLD, after: ROUTER_EITHER },
      compatible: ROUTER_ONLY,
      check: verify,
      cost: cost({ switch: part, stay: 1 - part }),
      backOut: reverse(part),
    },
    {
      name: 'switch the rest',
      changes: 'data',
      command: `handover switch ${migration}`,
      reads: { before: ROUTER_EITHER, after: ROUTER_NEW },
      writes: { before: ROUTER_EITHER, after: ROUTER_NEW },
      compatible: ROUTER_ONLY,
      check: verify,
      cost: cost({ switch: 1 - part, away: part }),
      backOut: reverse(1),
    },
    {
      name: 'deploy code of the new home only, or keep the router',
      changes: 'code',
      reads: { before: ROUTER_NEW, after: NEW },
      writes: { before: ROUTER_NEW, after: NEW },
      compatible: ROUTER_OR_NEW,
      check: verify,
      cost: free,
      backOut: code('deploy the router again, before any reverse'),
    },
    {
      name: 'complete: drop the old home',
      changes: 'data',
      command: `handover complete ${migration}`,
      reads: same(NEW_EITHER),
      writes: same(NEW_EITHER),
      compatible: ROUTER_OR_NEW,
      check: verify,
      cost: cost({ complete: 1 }),
      backOut: code('none: the point of no return'),
    },
    {
      name: 'remove the router, if it was kept',
      changes: 'code',
      reads: { before: ROUTER_NEW, after: NEW },
      writes: { before: ROUTER_NEW, after: NEW },
      compatible: ROUTER_OR_NEW,
      check: `handover status ${migration}`,
      cost: free,
      backOut: code('deploy the router again'),
    },
  ];
}
