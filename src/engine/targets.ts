import { hash } from 'node:crypto';
import type { Target } from '../../machines/moves.ts';
import type { Key } from '../record/key.ts';

/**
 * Where each record is wanted: a record's place in [0, 100) is a stable hash of its old key (or of its group), and the
 * first step above that place names its target. The last step is always `below: 100`.
 */
export type Targets = readonly { readonly below: number; readonly target: Target }[];

export const everything = (target: Target): Targets => [{ below: 100, target }];

/**
 * A command sends the first `share` percent to `target`. Forward commands say where the rest belongs; `rest: undefined`
 * leaves the others where they are wanted already (so `reverse --share 50` reverses half and touches nothing else).
 */
export function aim(current: Targets, target: Target, share: number, rest: Target | undefined): Targets {
  const tail = rest ? everything(rest) : current.filter(({ below }) => below > share);
  return share >= 100 ? everything(target) : [{ below: share, target }, ...tail];
}

/** Whether anything is wanted at one of `at` that was wanted at one of `from` before. */
export function isReached(after: Targets, before: Targets, at: readonly Target[], from: readonly Target[]): boolean {
  const wanted = (targets: Targets, place: number) => targets.find(({ below }) => place < below)!.target;
  // Targets change at their steps only: each piece between two steps of either is of one mind.
  const steps = [0, ...[...before, ...after].map(({ below }) => below)].filter((place) => place < 100);
  return steps.some((place) => from.includes(wanted(before, place)) && at.includes(wanted(after, place)));
}

/** Whether new targets bring anything back that the targets before had made the new home's. */
export const bringsBack = (before: Targets, after: Targets): boolean =>
  isReached(after, before, ['home', 'copied'], ['switched', 'completed']);

/** A stable place in [0, 100) for a key: the same in every process, unrelated to the key's order. */
function placeOf(key: Key): number {
  return (Number.parseInt(hash('sha1', key.bytes, 'hex').slice(0, 8), 16) / 2 ** 32) * 100;
}

export function targetAt(targets: Targets, key: Key): Target {
  if (targets.length === 1) return targets[0]!.target;
  const place = placeOf(key);
  return targets.find(({ below }) => place < below)!.target;
}

/** The one target that all records share, if there is one. */
export const uniform = (targets: Targets): Target | undefined =>
  targets.every(({ target }) => target === targets[0]!.target) ? targets[0]!.target : undefined;
