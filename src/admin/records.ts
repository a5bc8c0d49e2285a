import type { Side } from '../../machines/moves.ts';
import type { Migration } from '../define/migration.ts';
import { viewOf } from '../define/parts.ts';
import { list } from '../engine/documents.ts';
import { isSkipped } from '../engine/quarantine.ts';
import type { CampaignDocument } from '../engine/schemas.ts';
import { firstField, homeRange } from '../engine/sweep.ts';
import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { Key } from '../record/key.ts';
import type { KeyRange } from '../store/store.ts';
import type { CommandContext } from './change.ts';
import { classify, classifyFields, type Found, problemOf } from './classify.ts';
import { migrationOf, theCampaign } from './find.ts';
import type { RecordRow, RecordsPage } from './recordSchema.ts';

type Context = Pick<CommandContext, 'store' | 'migrations'>;

export interface RecordsOptions {
  /** Only those that are listed as quarantined: read from the list, without looking at the records. */
  readonly quarantined?: boolean;
  readonly state?: string;
  /** Of the quarantined ones, only those with this cause. */
  readonly code?: string;
  readonly limit?: number;
  /** `next` of the page before. */
  readonly after?: string;
}

/** A page of a campaign's records, in the order of the old home's keys, then of the new home's. */
export async function records(context: Context, name: string, options: RecordsOptions = {}): Promise<RecordsPage> {
  const campaign = await theCampaign(context, name);
  const limit = options.limit ?? LIMITS.samples;
  if (options.quarantined) return quarantinedRecords(context, campaign, limit, options);
  const rows: RecordRow[] = [];
  for await (const { found, at } of eachRecord(context, campaign, options.after)) {
    if (options.state !== undefined && found.state !== options.state) continue;
    rows.push(rowOf(found));
    if (rows.length === limit) return { records: rows, next: at };
  }
  return { records: rows };
}

export interface CountOptions {
  /** Called now and then, and awaited. */
  readonly onProgress?: (seen: number) => void | Promise<void>;
  readonly signal?: AbortSignal;
}

/** Records per state, by looking at every one of them now. Status has the same from the last sweep, at once. */
export async function countRecords(
  context: Context,
  name: string,
  { onProgress, signal }: CountOptions = {},
): Promise<Record<string, number>> {
  const campaign = await theCampaign(context, name);
  const counts: Record<string, number> = {};
  let seen = 0;
  for await (const { found } of eachRecord(context, campaign, undefined)) {
    counts[found.state] = (counts[found.state] ?? 0) + 1;
    if (++seen % LIMITS.pageSize > 0) continue;
    if (signal?.aborted) throw new HandoverError('wait.interrupted', 'Counting stopped.');
    await onProgress?.(seen);
  }
  return counts;
}

async function quarantinedRecords(
  context: Context,
  campaign: CampaignDocument,
  limit: number,
  { after, code: cause }: RecordsOptions,
) {
  const rows: RecordRow[] = [];
  const from = after === undefined ? {} : { after: parseKey(after) };
  for await (const { key, value } of list(context.store, 'quarantine', campaign.id, from)) {
    if (cause !== undefined && value.code !== cause) continue;
    const into = value.peer === undefined ? {} : { into: value.peer };
    const { code, message } = problemOf(value);
    const skipped = isSkipped(campaign, value) ? { skipped: true } : {};
    rows.push({ key: value.key, ...into, state: 'quarantined', code, message, ...skipped });
    if (rows.length === limit) return { records: rows, next: key.toString() };
  }
  return { records: rows };
}

/** Every record once, page by page, with a cursor behind each. */
async function* eachRecord(
  { store: given, migrations }: Context,
  campaign: CampaignDocument,
  after: string | undefined,
): AsyncGenerator<{ found: Found; at: string }> {
  const migration = migrationOf({ migrations }, campaign);
  const store = viewOf(given, migration);
  const steps = stepsOf(migration);
  const cursor = after === undefined ? undefined : parseCursor(after, steps.length);
  for (let s = cursor?.step ?? 0; s < steps.length; s++) {
    const { rule, home } = steps[s]!;
    let range: KeyRange = homeRange(migration, rule, home);
    if (cursor?.step === s) range = { ...range, after: cursor.key };
    for (let more = true; more; ) {
      const page = await store.scan(range, LIMITS.pageSize);
      const look = { store, migration, campaign };
      const field = migration.fields[rule - firstField(migration)];
      const found = field
        ? await classifyFields(page.entities, field, look)
        : await classify(page.entities, migration.records[rule]!, home, look);
      for (const each of found) yield { found: each, at: `${s} ${each.key}` };
      more = page.more;
      const last = page.entities[page.entities.length - 1];
      if (last) range = { ...range, after: last.key };
    }
  }
}

const stepsOf = (migration: Migration): { rule: number; home: Side }[] => [
  ...(['S', 'T'] as const).flatMap((home) => [...migration.records.keys()].map((rule) => ({ rule, home }))),
  ...migration.fields.map((_, i) => ({ rule: firstField(migration) + i, home: 'S' as const })),
];

function parseCursor(text: string, steps: number): { step: number; key: Key } {
  const [step, ...rest] = text.split(' ');
  if (/^\d+$/.test(step!) && Number(step) < steps) return { step: Number(step), key: parseKey(rest.join(' ')) };
  throw new HandoverError('usage.invalid', `${JSON.stringify(text)} is not where a page ended.`);
}

const parseKey = (text: string): Key => Key.parse(text);

export function rowOf({ key, keys, state, target, next, problem }: Found): RecordRow {
  return {
    key: (keys?.S ?? key).toString(),
    ...(keys ? { into: keys.T.toString() } : {}),
    state,
    ...(target === undefined ? {} : { target }),
    ...(next && 'at' in next ? { next: `${next.type} ${next.at}` } : next ? { next: next.type } : {}),
    ...(problem ? { code: problem.code, message: problem.message } : {}),
  };
}
