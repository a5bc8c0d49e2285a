import { costOf, type Population, type Terms } from './planCost.ts';
import type { Change, PlanStep } from './planReport.ts';

/** Percent of the records that switch first in a plan. */
const FIRST_SHARE = 10;

/** Where the application reads from, and writes to. */
interface Places {
  readonly old: string;
  readonly new: string;
  readonly either: string;
  /** What is deployed at last, and what goes. */
  readonly code: string;
}

const MOVED: Places = {
  old: 'old home',
  new: 'new home',
  either: 'whichever home owns the record',
  code: 'deploy code of the new home only, or keep the router',
};
const IN_PLACE: Places = {
  old: 'old properties',
  new: 'new properties',
  either: 'whichever properties are the record',
  code: 'deploy code of the new properties only, or keep the router; retire all from before it',
};

const same = (where: string): Change => ({ before: where, after: where });
const WITH_AND_WITHOUT = 'instances with the router, and those from before it';
const ROUTER_ONLY = 'instances with the router, and no others';

export function stepsOf(migration: string, oneWay: boolean, population: Population, terms: Terms): PlanStep[] {
  // Records that move need the router from the switch on; in place, old instances read what it keeps for them.
  const inPlace = population.inPlace > 0 && population.inPlace === population.records;
  const places = inPlace ? IN_PLACE : MOVED;
  const routerOld = `router: ${places.old}`;
  const routerEither = `router: ${places.either}`;
  const routerNew = `router: ${places.new}`;
  const newEither = `${places.new}, directly or by the router`;
  const routerOrNew = `instances with the router, and those of the ${places.new} only`;
  const switching = inPlace && !oneWay ? WITH_AND_WITHOUT : ROUTER_ONLY;
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
      reads: { before: places.old, after: routerOld },
      writes: { before: places.old, after: routerOld },
      compatible: WITH_AND_WITHOUT,
      check: 'handover doctor',
      cost: free,
      backOut: code('deploy the code from before'),
    },
    {
      name: 'copy',
      changes: 'data',
      command: `handover start ${migration}`,
      reads: same(routerOld),
      writes: same(routerOld),
      compatible: WITH_AND_WITHOUT,
      check: verify,
      cost: cost({ copy: 1 }),
      backOut: { command: `handover cancel ${migration}`, how: 'the copies are dropped', cost: cost({ recall: 1 }) },
    },
    {
      name: `switch ${FIRST_SHARE} %`,
      changes: 'data',
      command: `handover switch ${migration} --share ${FIRST_SHARE}`,
      reads: { before: routerOld, after: routerEither },
      writes: { before: routerOld, after: routerEither },
      compatible: switching,
      check: verify,
      cost: cost({ switch: part, stay: 1 - part }),
      backOut: reverse(part),
    },
    {
      name: 'switch the rest',
      changes: 'data',
      command: `handover switch ${migration}`,
      reads: { before: routerEither, after: routerNew },
      writes: { before: routerEither, after: routerNew },
      compatible: switching,
      check: verify,
      cost: cost({ switch: 1 - part, away: part }),
      backOut: reverse(1),
    },
    {
      name: places.code,
      changes: 'code',
      reads: { before: routerNew, after: places.new },
      writes: { before: routerNew, after: places.new },
      compatible: routerOrNew,
      check: verify,
      cost: free,
      backOut: code('deploy the router again, before any reverse'),
    },
    {
      name: `complete: drop the ${places.old}`,
      changes: 'data',
      command: `handover complete ${migration}`,
      reads: same(newEither),
      writes: same(newEither),
      compatible: routerOrNew,
      check: verify,
      cost: cost({ complete: 1 }),
      backOut: code('none: the point of no return'),
    },
    {
      name: 'remove the router, if it was kept',
      changes: 'code',
      reads: { before: routerNew, after: places.new },
      writes: { before: routerNew, after: places.new },
      compatible: routerOrNew,
      check: `handover status ${migration}`,
      cost: free,
      backOut: code('deploy the router again'),
    },
  ];
}
