import { hash } from 'node:crypto';
import type { EntityRule } from './entity.ts';
import type { Migration } from './migration.ts';

/** What stays the same from one version of a migration to the next, for a campaign to go on under it. */
export interface Outline {
  readonly by: string;
  readonly namespace: string;
  /** Of each rule, its homes: what was noted of records names rules by their places. */
  readonly records: readonly string[];
  /** Of each rule for what is rewritten in place, where that is. */
  readonly fields?: readonly string[] | undefined;
  /** Whether other entities refer to its records. */
  readonly refers?: boolean | undefined;
  /** A digest of the invariants that are held against the campaign's beginning, and of how many rules that was about. */
  readonly rest?: string | undefined;
}

/** What parts are called decides which is which: none may be called otherwise while they are on their way. */
const named = (parts: EntityRule['parts']): string =>
  parts ? ` (parts ${hash('sha256', JSON.stringify(parts.map(({ source }) => source)), 'hex').slice(0, 16)})` : '';

/** Undefined for what cannot be upgraded: a hub knows a subscription by the URLs that it was begun with. */
export function outlineOf(migration: Migration): Outline | undefined {
  const { by, namespace, records, subscriptions, fields, references, invariants } = migration;
  if (subscriptions.length > 0) return undefined;
  const staying = invariants.filter(({ must }) => must === 'stay');
  const told = staying.map(({ source, of }) => [source, of.map((rule: EntityRule) => records.indexOf(rule))]);
  return {
    by,
    namespace,
    records: records.map(({ from, into, parts }) => `${from.join('/')} into ${into.join('/')}${named(parts)}`),
    ...(fields.length > 0 ? { fields: fields.map(({ of }) => of.join('/')) } : {}),
    ...(references.length > 0 ? { refers: true } : {}),
    ...(told.length > 0 ? { rest: hash('sha256', JSON.stringify([told, records.length]), 'hex').slice(0, 16) } : {}),
  };
}

/** Why a campaign that was started by `before` cannot go on under `next`; undefined where it can. */
export function unfit(before: Outline, next: Migration): string | undefined {
  const after = outlineOf(next);
  if (!after) return 'it has subscriptions, which are not taken over to another version';
  if (after.by !== before.by) return `it goes by ${after.by}, and the campaign by ${before.by}`;
  if (after.namespace !== before.namespace) return 'it is about another namespace';
  const moved = before.records.findIndex((homes, i) => after.records[i] !== homes);
  if (moved >= 0)
    return `its rule ${moved + 1} must be the one for ${before.records[moved]}: add others after those there are`;
  const rewritten = (before.fields ?? []).findIndex((of, i) => after.fields?.[i] !== of);
  if (rewritten >= 0)
    return `its field ${rewritten + 1} must be the one of ${before.fields![rewritten]}: add others after those there are`;
  if (after.rest !== before.rest)
    return 'its invariants that must `stay` are not those that the campaign began with, or are about more rules';
  return undefined;
}

/**
 * Whether copies that one version made can be told from those of another where they stand. Those in the same entity as the
 * record cannot: nothing but the marks of their writers is there. Nor does a reference tell by which version it leads on.
 */
export const tellsCopies = ({ fields, refers }: Outline): boolean => fields === undefined && refers === undefined;
