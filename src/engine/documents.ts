import { hash } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { Content } from '../record/content.ts';
import { Key } from '../record/key.ts';
import type { Entity, Guard, KeyRange, Mutation, Outcome, Store, Version } from '../store/store.ts';
import { type Document, type DocumentKind, SCHEMAS } from './schemas.ts';

export interface Stored<K extends DocumentKind> {
  readonly key: Key;
  readonly value: Document<K>;
  readonly version: Version;
}

export type Saved = Exclude<Outcome, { readonly status: 'refused' }>;

export const KINDS: Readonly<Record<DocumentKind, string>> = {
  campaign: '_HandoverCampaign',
  command: '_HandoverCommand',
  sweep: '_HandoverSweep',
  range: '_HandoverRange',
  quarantine: '_HandoverQuarantine',
  group: '_HandoverGroup',
  subscription: '_HandoverSubscription',
  subscriber: '_HandoverSubscriber',
  callback: '_HandoverCallback',
  inbox: '_HandoverInbox',
  suspicion: '_HandoverSuspicion',
  mismatch: '_HandoverMismatch',
  verify: '_HandoverVerify',
  invariants: '_HandoverInvariants',
  baseline: '_HandoverBaseline',
  home: '_HandoverHome',
  hook: '_HandoverHook',
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
export const nameOfKey = (key: Key): string => nameOfText(key.toString());

export const nameOfText = (text: string): string => (text.length <= 300 ? text : hash('sha256', text, 'hex'));

/** Whether an entity of this kind, or below it, is the engine's own. */
export const isControl = (kind: string): boolean => kind.startsWith('_Handover');

/** Where a document of a campaign lives: under the campaign, so that all of it is one entity group. */
export function documentKey(kind: DocumentKind, campaign: string, ...names: readonly string[]): Key {
  const root = { kind: KINDS.campaign, id: campaign };
  return Key.of(names.length === 0 ? [root] : [root, ...names.map((id) => ({ kind: KINDS[kind], id }))]);
}

/** What a document is in the store. */
export const encode = (value: Document<DocumentKind>): Content =>
  Content.of(new Map([['state', { type: 'string', value: JSON.stringify(value), unindexed: true }]]));

export function decode<K extends DocumentKind>(kind: K, { key, content, version }: Entity): Stored<K> {
  const state = content.properties.get('state');
  const written: unknown = state?.type === 'string' ? JSON.parse(state.value) : undefined;
  const parsed = SCHEMAS[kind].safeParse(written);
  if (!parsed.success) throw new HandoverError('content.corrupt', `${key}: ${z.prettifyError(parsed.error)}.`);
  return { key, value: withUnknown(parsed.data, written) as Document<K>, version };
}

/**
 * With the fields that were written and are not known here. A newer version that works beside this one may have added
 * them, and must find them again when this one has written the document back.
 */
function withUnknown(known: unknown, written: unknown): unknown {
  if (Array.isArray(known)) return known.map((each, i) => withUnknown(each, (written as unknown[])[i]));
  if (!isObject(known) || !isObject(written)) return known;
  const all: Record<string, unknown> = { ...written };
  for (const [name, value] of Object.entries(known)) all[name] = withUnknown(value, written[name]);
  return all;
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

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
  { after, until }: Pick<KeyRange, 'after' | 'until'> = {},
): AsyncGenerator<Stored<K>> {
  let range: KeyRange = {
    namespace: '',
    kind: KINDS[kind],
    ...(campaign === undefined ? {} : { root: documentKey('campaign', campaign) }),
    ...(after === undefined ? {} : { after }),
    ...(until === undefined ? {} : { until }),
  };
  for (;;) {
    const page = await store.scan(range, LIMITS.pageSize);
    for (const entity of page.entities) yield decode(kind, entity);
    const last = page.entities[page.entities.length - 1];
    if (!page.more || !last) return;
    range = { ...range, after: last.key };
  }
}

/** Writes a document as the one expected, or as a new one. Throws what the store refuses to hold. */
export async function save<K extends DocumentKind>(
  store: Store,
  key: Key,
  value: Document<K>,
  expected: Version | undefined,
  guard?: Guard,
): Promise<Saved> {
  const content = encode(value);
  const mutation: Mutation =
    expected === undefined ? { op: 'insert', key, content } : { op: 'update', key, version: expected, content };
  const [outcome] = await store.commit([mutation], guard);
  if (outcome!.status === 'refused') throw new HandoverError(outcome!.code, outcome!.cause);
  return outcome!;
}

/** Deletes them as they were seen. Returns those of which that is not certain. */
export async function erase<K extends DocumentKind>(
  store: Store,
  documents: readonly Stored<K>[],
  guard?: Guard,
): Promise<readonly Stored<K>[]> {
  const left: Stored<K>[] = [];
  for (let i = 0; i < documents.length; i += LIMITS.pageSize) {
    const part = documents.slice(i, i + LIMITS.pageSize);
    const outcomes = await store.commit(
      part.map(({ key, version }) => ({ op: 'delete' as const, key, version })),
      guard,
    );
    left.push(...part.filter((_, n) => outcomes[n]!.status !== 'applied'));
  }
  return left;
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
