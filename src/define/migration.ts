import { hash } from 'node:crypto';
import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { EntityRule } from './entity.ts';
import type { FieldRule } from './field.ts';
import { checkHooks, type Hooks } from './hooks.ts';
import type { Invariant } from './invariant.ts';
import { isOf, type Referring, referringTo } from './reference.ts';
import type { SubscriptionRule } from './subscription.ts';

export interface MigrationDefinition {
  /** Lower-case words joined by dashes; stored in every record's slot, so keep it short. */
  readonly name: string;
  /** Raise it whenever the definition changes after a campaign ran. */
  readonly version: number;
  /** Names of migrations that must be completed before this one starts. */
  readonly after?: readonly string[];
  /** Whether shares and switches go record by record, or by whole groups (target entity groups). Default: record. */
  readonly by?: 'record' | 'group';
  readonly namespace?: string;
  /** Quarantined records after which a campaign pauses by itself. Default: 100. */
  readonly errorBudget?: number;
  readonly records?: readonly EntityRule[];
  /** Subscriptions that get a new callback URL. */
  readonly subscriptions?: readonly SubscriptionRule[];
  /** Totals that must hold before a switch and before the old homes go. */
  readonly invariants?: readonly Invariant[];
  /** Properties that give way to others, in records that stay where they are. */
  readonly fields?: readonly FieldRule[];
  /** Functions to be called around its gates and groups. Nothing that decides about records: they may be corrected on the way. */
  readonly hooks?: Hooks;
}

/** A validated migration. */
export interface Migration {
  readonly name: string;
  readonly version: number;
  readonly after: readonly string[];
  readonly by: 'record' | 'group';
  readonly namespace: string;
  readonly errorBudget: number;
  readonly records: readonly EntityRule[];
  readonly subscriptions: readonly SubscriptionRule[];
  /** What refers to its records, by form: made of what their rules say. */
  readonly references: readonly Referring[];
  readonly invariants: readonly Invariant[];
  readonly fields: readonly FieldRule[];
  readonly hooks: Hooks;
  /** Changes whenever anything that decides about records does. */
  readonly fingerprint: string;
}

const KNOWN = new Set([
  'name',
  'version',
  'after',
  'by',
  'namespace',
  'errorBudget',
  'records',
  'subscriptions',
  'invariants',
  'fields',
  'hooks',
]);

/** Checks a migration and fills its defaults. Throws `definition.invalid` with what is wrong. */
export function defineMigration(definition: MigrationDefinition): Migration {
  const {
    name,
    version,
    after = [],
    by = 'record',
    namespace = '',
    records = [],
    subscriptions = [],
    fields = [],
    invariants = [],
    hooks = {},
  } = definition;
  const errorBudget = definition.errorBudget ?? LIMITS.errorBudget;
  const refuse: Refuse = (why) => {
    throw new HandoverError('definition.invalid', `Migration ${JSON.stringify(name)}: ${why}.`);
  };
  const unknown = Object.keys(definition).find((field) => !KNOWN.has(field));
  if (unknown) refuse(`there is no option ${JSON.stringify(unknown)}`);
  if (typeof name !== 'string' || !/^[a-z][a-z0-9-]{0,39}$/.test(name)) {
    refuse('the name must be lower-case letters, digits and dashes, at most 40');
  }
  if (!Number.isSafeInteger(version) || version < 1) refuse('the version must be 1, 2, 3 …');
  if (by !== 'record' && by !== 'group') refuse("`by` must be 'record' or 'group'");
  if (!Number.isSafeInteger(errorBudget) || errorBudget < 0) refuse('the error budget must be 0 or more records');
  if (
    ![records, subscriptions, fields].every(Array.isArray) ||
    records.length + subscriptions.length + fields.length === 0
  )
    refuse(
      '`records` must name at least one kind of record, or `subscriptions` of subscriptions, or `fields` of fields',
    );
  for (const field of ['from', 'into'] as const) {
    const twice = duplicate(records.map((rule) => rule[field].join('/')));
    if (twice) refuse(`two rules have \`${field}\` ${twice}, so a record could be moved by either`);
  }
  const references = referringTo(records);
  checkSubscriptions(subscriptions, records, by, refuse);
  checkFields(fields, records, by, refuse);
  checkReferences(references, records, fields, refuse);
  checkParts(records, fields, references, refuse);
  checkInvariants(invariants, records, refuse);
  checkHooks(hooks, by, refuse);
  if (after.includes(name)) refuse('it cannot come after itself');
  const source = JSON.stringify([
    name,
    version,
    by,
    namespace,
    [...records, ...subscriptions, ...fields].map((rule) => rule.source),
    // Nothing where there are none: what was started before there could be any has the fingerprint that it had.
    ...(invariants.length > 0
      ? [invariants.map(({ source, of }) => [source, of.map((rule: EntityRule) => records.indexOf(rule))])]
      : []),
  ]);
  const fingerprint = hash('sha256', source, 'hex').slice(0, 16);
  const lists = { records, subscriptions, references, fields, invariants };
  return { name, version, after, by, namespace, errorBudget, ...lists, hooks, fingerprint };
}

type Refuse = (why: string) => never;

function checkSubscriptions(
  subscriptions: readonly SubscriptionRule[],
  records: readonly EntityRule[],
  by: Migration['by'],
  refuse: Refuse,
): void {
  const twice = duplicate(subscriptions.map(pathOf));
  if (twice) refuse(`two rules are about the subscriptions of ${twice}`);
  for (const { of, groupOf } of subscriptions) {
    const path = of.join('/');
    const moved = records.find(({ from }) => from.join('/') === path);
    const arriving = records.find(({ into }) => into.join('/') === path);
    if (arriving && !moved)
      refuse(`subscriptions of ${path} must name the old home of their records, ${arriving.from.join('/')}`);
    // What a record says is read in its old shape, wherever it lives.
    if (moved && !moved.reversible) refuse(`records of ${path} have subscriptions, and no \`backward\``);
    if (groupOf && moved) refuse(`records of ${path} are moved: the group of their subscriptions is their own`);
    if (groupOf && by !== 'group') refuse(`subscriptions of ${path} have a \`group\`, and it does not go by groups`);
  }
}

function checkFields(
  fields: readonly FieldRule[],
  records: readonly EntityRule[],
  by: Migration['by'],
  refuse: Refuse,
): void {
  for (const path of fields.map(pathOf)) {
    // What a record says on its way is one rule's matter.
    if (records.some(({ from, into }) => [from.join('/'), into.join('/')].includes(path)))
      refuse(
        `records of ${path} are moved by another rule: change their fields there, or in a migration after this one`,
      );
    if (by === 'group')
      refuse(`fields of ${path} change in place, which no group waits for: they need a migration of their own`);
  }
  const twice = duplicate(fields.map(pathOf));
  if (twice) refuse(`two rules are about the fields of ${twice}: write one for all of them`);
}

function checkReferences(
  references: readonly Referring[],
  records: readonly EntityRule[],
  fields: readonly FieldRule[],
  refuse: Refuse,
): void {
  for (const { of } of references) {
    const field = fields.find((rule) => isOf(of, rule.of));
    if (field)
      refuse(
        `${pathOf(field)} refers to records that move: change its fields in a migration that comes before this one, or after it`,
      );
    // What refers is written in either home: without a way back that would be lost on it.
    const oneWay = records.find(({ from, into, reversible }) => !reversible && (isOf(of, from) || isOf(of, into)));
    if (oneWay) refuse(`records of ${oneWay.from.join('/')} refer to others that move, and have no \`backward\``);
  }
}

function checkParts(
  records: readonly EntityRule[],
  fields: readonly FieldRule[],
  references: readonly Referring[],
  refuse: Refuse,
): void {
  for (const { of, property } of records.flatMap((rule) => rule.parts ?? [])) {
    const path = of.join('/');
    // Whoever rewrites a container rewrites what is kept inside it, past the protocol.
    if (references.some((each) => isOf(each.of, of)))
      refuse(`${path} has ${property} inside that move, and refers to others that move: one after the other`);
    if (records.some(({ from, into }) => [from, into].some((home) => home.join('/') === path)))
      refuse(`${path} has ${property} inside that move, and moves itself: one after the other`);
    if (fields.some((rule) => pathOf(rule) === path))
      refuse(`${path} has ${property} inside that move, and fields that change: one after the other`);
  }
}

function checkInvariants(invariants: readonly Invariant[], records: readonly EntityRule[], refuse: Refuse): void {
  if (!Array.isArray(invariants) || invariants.some((each) => typeof each?.groupOf !== 'function'))
    refuse('`invariants` must be made by `sum`, `count` or `fold`');
  if (invariants.length > 0 && records.length === 0) refuse('it has invariants, and no `records` that they are about');
  const twice = duplicate(invariants.map(({ name }) => name));
  if (twice) refuse(`two invariants are named ${JSON.stringify(twice)}`);
  for (const { name, of } of invariants) {
    if (of.some((rule: EntityRule) => !records.includes(rule)))
      refuse(`invariant ${JSON.stringify(name)} is \`of\` a rule that is not among its \`records\``);
  }
}

/** The rule that moves the records that this rule's subscriptions are of; undefined where they stay. */
export function movedBy({ records }: Pick<Migration, 'records'>, { of }: SubscriptionRule): EntityRule | undefined {
  return records.find(({ from }) => from.join('/') === of.join('/'));
}

const duplicate = (texts: readonly string[]) => texts.find((text, i) => texts.indexOf(text) !== i);

const pathOf = ({ of }: { readonly of: readonly string[] }): string => of.join('/');
