import { hash } from 'node:crypto';
import { z } from 'zod';
import { STAGES } from '../../machines/campaign.ts';
import { TARGETS } from '../../machines/moves.ts';
import type { Clock } from '../clock.ts';
import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { Content } from '../record/content.ts';
import { Key } from '../record/key.ts';
import type { Entity, KeyRange, Outcome, Store, Version } from '../store/store.ts';

/**
 * The engine's own entities, kept in the same store as the data and written by the same compare-and-set: one JSON text
 * in the property `state`, which is not indexed. Each carries the version of its form; a newer one is refused.
 */
const version = z.literal(1);
const targets = z.array(z.object({ below: z.number(), target: z.enum(TARGETS) })).min(1);
const counts = z.record(z.string(), z.number());

/** What a worker knows of its own pace, for operators; the same in the claims of all its lanes. */
const paceNote = z.object({
  /** What holds it up just now; `store`: nothing else does. */
  limit: z.enum(['exhausted', 'contention', 'ceiling', 'ramp', 'store']),
  /** Operations a second that it makes. */
  perSecond: z.number(),
  /** What is left of its rate after a back-off; unset: all. */
  factor: z.number().optional(),
  /** Entity groups that it leaves alone for a while. */
  cooling: z.number().optional(),
});

export const SCHEMAS = {
  campaign: z.object({
    v: version,
    id: z.string(),
    migration: z.string(),
    migrationVersion: z.number(),
    /** The definition's fingerprint: a campaign runs under one definition only. */
    definition: z.string(),
    stage: z.enum(STAGES),
    run: z.enum(['running', 'paused']),
    pausedBecause: z.string().optional(),
    targets,
    /** Raised by every command that changes the targets: what was swept under the old ones counts no more. */
    generation: z.number(),
    /** The sweep of this generation that is under way, from 1. */
    sweep: z.number(),
    /** When this generation came to rest; unset while it has not. */
    settledAt: z.number().optional(),
    switchGateOpen: z.boolean(),
    /** Something was quarantined under it: only then each page asks which records are. Set before the first is listed. */
    quarantines: z.boolean().optional(),
    /** Said with `complete`: quarantined records stay in the old home, and with them the groups they are of. */
    leaveQuarantined: z.boolean().optional(),
    /** What `retry` asked for: entries listed before this sweep that are of one cause, or of one old key, or any. */
    retry: z
      .object({
        generation: z.number(),
        sweep: z.number(),
        which: z.array(z.object({ code: z.string().optional(), key: z.string().optional() })),
      })
      .optional(),
    /** How many records the newest settled sweep counted, and when: what `verify` compares with. */
    population: z.object({ at: z.number(), records: z.number() }).optional(),
    /** How fast all workers together may go: by the ramp since then, never over the ceiling. Unset: no bound. */
    pace: z.object({ ramp: z.boolean(), ceilingPerSecond: z.number().optional(), since: z.number() }).optional(),
    closed: z.boolean(),
    createdAt: z.number(),
    /** A newer run of the migration was begun: under this one, which is closed, nothing may be moved any more. */
    succeeded: z.boolean().optional(),
    /** Slots are to be taken off once it is closed: how far that is. `left`: not the campaign's, or changed too often. */
    strip: z
      .object({
        step: z.number(),
        cursor: z.string().optional(),
        stripped: z.number(),
        left: z.number(),
        doneAt: z.number().optional(),
      })
      .optional(),
    /** What the last finished sweep saw; `inRow`: how many of this generation were clean one after the other, with it. */
    lastSweep: z
      .object({
        generation: z.number(),
        sweep: z.number(),
        at: z.number(),
        clean: z.boolean(),
        inRow: z.number().optional(),
        counts,
      })
      .optional(),
    history: z.array(
      z.object({
        at: z.number(),
        by: z.string(),
        what: z.string(),
        /** Which call wrote it: so a call whose answer was lost finds its own entry. */
        id: z.string().optional(),
        reason: z.string().optional(),
        targets: targets.optional(),
      }),
    ),
  }),
  sweep: z.object({
    v: version,
    startedAt: z.number(),
    /** Old homes first: they must be done before new homes are looked at. */
    ranges: z.array(
      z.object({
        rule: z.number(),
        home: z.enum(['S', 'T']),
        after: z.string().optional(),
        until: z.string().optional(),
      }),
    ),
  }),
  range: z.object({
    v: version,
    /** The last key whose page is done. */
    cursor: z.string().optional(),
    done: z.boolean(),
    claim: z.object({ by: z.string(), untilMs: z.number(), pace: paceNote.optional() }).optional(),
    counts,
  }),
  quarantine: z.object({
    v: version,
    campaign: z.string(),
    rule: z.number(),
    key: z.string(),
    peer: z.string().optional(),
    group: z.string().optional(),
    code: z.string(),
    message: z.string(),
    at: z.number(),
    /** The sweep that listed it, `generation.sweep`: one that is retried in a later sweep is not listed before it. */
    sweep: z.string().optional(),
  }),
  group: z.object({
    v: version,
    state: z.enum(['gathering', 'moving', 'whole']),
    members: z.number(),
    generation: z.number(),
    sweep: z.number(),
  }),
  /** What the router's shadow reads found: copies that say something else than what they were made from. */
  mismatch: z.object({
    v: version,
    count: z.number(),
    last: z.array(
      z.object({
        at: z.number(),
        from: z.string(),
        into: z.string(),
        /** What the copy should say, and what it says, as JSON, cut short. */
        expected: z.string(),
        found: z.string(),
      }),
    ),
  }),
  verify: z.object({
    v: version,
    /** The targets it was begun under. */
    of: z.string(),
    startedAt: z.number(),
    step: z.number(),
    cursor: z.string().optional(),
    report: z.unknown(),
  }),
} as const;

export type DocumentKind = keyof typeof SCHEMAS;
export type Document<K extends DocumentKind> = z.infer<(typeof SCHEMAS)[K]>;
export type CampaignDocument = Document<'campaign'>;
export type CampaignPace = NonNullable<CampaignDocument['pace']>;
export type PaceNote = z.infer<typeof paceNote>;
export type Retried = NonNullable<CampaignDocument['retry']>['which'][number];
export type SweepDocument = Document<'sweep'>;
export type RangeDocument = Document<'range'>;
export type QuarantineDocument = Document<'quarantine'>;
export type GroupDocument = Document<'group'>;

export interface Stored<K extends DocumentKind> {
  readonly key: Key;
  readonly value: Document<K>;
  readonly version: Version;
}

export type Saved = Exclude<Outcome, { readonly status: 'refused' }>;

export const KINDS: Readonly<Record<DocumentKind, string>> = {
  campaign: '_HandoverCampaign',
  sweep: '_HandoverSweep',
  range: '_HandoverRange',
  quarantine: '_HandoverQuarantine',
  group: '_HandoverGroup',
  mismatch: '_HandoverMismatch',
  verify: '_HandoverVerify',
};

/** What was given up when a split was settled: an entity as it was, which nothing reads but a person. */
const DISCARDED = '_HandoverDiscarded';

/** Named after the key and the version, so that nothing is kept twice. */
export function discardedKey(campaign: string, key: Key, version: Version): Key {
  return Key.of([
    { kind: KINDS.campaign, id: campaign },
    { kind: DISCARDED, id: `${nameOfKey(key)} ${version}` },
  ]);
}

/** A key's text where it fits into a name, else a digest of it: whoever needs the key itself keeps it beside. */
export function nameOfKey(key: Key): string {
  const text = key.toString();
  return text.length <= 300 ? text : hash('sha256', text, 'hex');
}

/** Whether an entity of this kind, or below it, is the engine's own. */
export const isControl = (kind: string): boolean => kind.startsWith('_Handover');

/** Where a document of a campaign lives: under the campaign, so that all of it is one entity group. */
export function documentKey(kind: DocumentKind, campaign: string, ...names: readonly string[]): Key {
  const root = { kind: KINDS.campaign, id: campaign };
  return Key.of(names.length === 0 ? [root] : [root, ...names.map((id) => ({ kind: KINDS[kind], id }))]);
}

const encode = (value: unknown): Content =>
  Content.of(new Map([['state', { type: 'string', value: JSON.stringify(value), unindexed: true }]]));

/** What was decoded before, by the content that it was decoded from: a store may hand that out again. Never changed. */
const decoded = new WeakMap<Content, unknown>();

export function decode<K extends DocumentKind>(kind: K, { key, content, version }: Entity): Stored<K> {
  const known = decoded.get(content);
  if (known) return { key, value: known as Document<K>, version };
  const state = content.properties.get('state');
  const parsed = SCHEMAS[kind].safeParse(state?.type === 'string' ? JSON.parse(state.value) : undefined);
  if (!parsed.success) throw new HandoverError('content.corrupt', `${key}: ${z.prettifyError(parsed.error)}.`);
  decoded.set(content, parsed.data);
  return { key, value: parsed.data as Document<K>, version };
}

export async function load<K extends DocumentKind>(store: Store, kind: K, key: Key): Promise<Stored<K> | undefined> {
  const [entity] = await store.read([key]);
  return entity && decode(kind, entity);
}

export async function loadMany<K extends DocumentKind>(
  store: Store,
  kind: K,
  keys: readonly Key[],
): Promise<(Stored<K> | undefined)[]> {
  return (await store.read(keys)).map((entity) => entity && decode(kind, entity));
}

/** All documents of a kind under one campaign, or of all campaigns, page by page. */
export async function* list<K extends DocumentKind>(
  store: Store,
  kind: K,
  campaign?: string,
  after?: Key,
): AsyncGenerator<Stored<K>> {
  let range: KeyRange = {
    namespace: '',
    kind: KINDS[kind],
    ...(campaign === undefined ? {} : { root: documentKey('campaign', campaign) }),
    ...(after === undefined ? {} : { after }),
  };
  for (;;) {
    const page = await store.scan(range, LIMITS.pageSize);
    for (const entity of page.entities) yield decode(kind, entity);
    const last = page.entities[page.entities.length - 1];
    if (!page.more || !last) return;
    range = { ...range, after: last.key };
  }
}

/** The runs of a migration are numbered from 1. */
export const campaignId = (migration: string, number: number): string => `${migration}.${number}`;

/** Whether a campaign is an earlier run of the same migration: a run begins only when those before it are closed. */
export function isEarlierRun(id: string, than: string): boolean {
  const [a, b] = [id, than].map((each) => ({
    name: each.slice(0, each.lastIndexOf('.')),
    number: Number(each.slice(each.lastIndexOf('.') + 1)),
  }));
  return a!.name === b!.name && a!.number < b!.number;
}

export async function campaignAt(store: Store, id: string): Promise<CampaignDocument | undefined> {
  return (await load(store, 'campaign', documentKey('campaign', id)))?.value;
}

/** Looked up at once, and as many again while all are there. */
const CAMPAIGNS_A_READ = 8;

/** All campaigns of a migration, oldest first: looked up by their numbers, for a scan may lag and show the wrong one. */
export async function campaignsOf(store: Store, migration: string): Promise<readonly CampaignDocument[]> {
  const found: CampaignDocument[] = [];
  for (;;) {
    const numbers = Array.from({ length: CAMPAIGNS_A_READ }, (_, i) => found.length + i + 1);
    const keys = numbers.map((number) => documentKey('campaign', campaignId(migration, number)));
    for (const campaign of await loadMany(store, 'campaign', keys)) {
      if (!campaign) return found;
      found.push(campaign.value);
    }
  }
}

/** Writes a document as the one expected, or as a new one. Throws what the store refuses to hold. */
export async function save<K extends DocumentKind>(
  store: Store,
  key: Key,
  value: Document<K>,
  expected: Version | undefined,
): Promise<Saved> {
  const content = encode(value);
  const [outcome] = await store.commit([
    expected === undefined ? { op: 'insert', key, content } : { op: 'update', key, version: expected, content },
  ]);
  if (outcome!.status === 'refused') throw new HandoverError(outcome!.code, outcome!.cause);
  return outcome!;
}

export async function erase(store: Store, documents: readonly Stored<DocumentKind>[]): Promise<void> {
  for (let i = 0; i < documents.length; i += LIMITS.pageSize) {
    const part = documents.slice(i, i + LIMITS.pageSize);
    await store.commit(part.map(({ key, version }) => ({ op: 'delete' as const, key, version })));
  }
}

/**
 * Tries a compare-and-set on a control document until it is done: at once where somebody else was faster, and after a
 * pause where the store had no answer or no room. Throws `campaign.contended` or `store.unknown` when it never was.
 */
export async function attempts<R>(
  clock: Clock,
  key: Key,
  signal: AbortSignal | undefined,
  attempt: () => Promise<{ readonly done: R } | Saved>,
): Promise<R> {
  let contended = true;
  let pauseMs: number = LIMITS.callPauseMs;
  for (let i = 0; i < LIMITS.controlAttempts; i++) {
    const result = await attempt();
    if ('done' in result) return result.done;
    contended = result.status === 'conflict';
    if (contended) continue;
    if (signal?.aborted) break;
    await clock.sleep(pauseMs, signal);
    pauseMs = Math.min(2 * pauseMs, LIMITS.controlPauseMostMs);
  }
  if (contended) throw new HandoverError('campaign.contended', `${key} kept changing.`);
  throw new HandoverError('store.unknown', `A write of ${key}.`);
}

/**
 * Changes a campaign by compare-and-set: read, compute, swap, and again if somebody was faster. `change` returns the new
 * document, or undefined to leave it. After a lost answer the change is computed anew from what is there: it is never
 * applied to what nobody looked at. A change that must know whether it took effect leaves a mark of its own.
 */
export async function updateCampaign(
  { store, clock }: { readonly store: Store; readonly clock: Clock },
  id: string,
  change: (current: CampaignDocument) => CampaignDocument | undefined | Promise<CampaignDocument | undefined>,
): Promise<CampaignDocument> {
  const key = documentKey('campaign', id);
  return attempts(clock, key, undefined, async () => {
    const stored = await load(store, 'campaign', key);
    if (!stored) throw new HandoverError('campaign.missing', `There is no campaign ${JSON.stringify(id)}.`);
    const next = await change(stored.value);
    if (!next) return { done: stored.value };
    const saved = await save<'campaign'>(store, key, next, stored.version);
    return saved.status === 'applied' ? { done: next } : saved;
  });
}
