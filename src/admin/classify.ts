import type { FieldState } from '../../machines/field.ts';
import type { Move, Side, Target } from '../../machines/moves.ts';
import type { RecordState } from '../../machines/record.ts';
import { type EntityRule, matches } from '../define/entity.ts';
import type { FieldRule } from '../define/field.ts';
import type { Migration } from '../define/migration.ts';
import { versionUnder } from '../engine/campaigns.ts';
import { nextMove } from '../engine/decide.ts';
import { loadMany } from '../engine/documents.ts';
import { type FieldHeld, fieldStateOf, holdField, nextFieldMove } from '../engine/field.ts';
import type { Item } from '../engine/item.ts';
import { lookAgain, lookAtPeers } from '../engine/looks.ts';
import { mismatch, type Pair, pairOf, peerOf, stateOf } from '../engine/pair.ts';
import { anyIn, listedOf, quarantineKey } from '../engine/quarantine.ts';
import type { CampaignDocument, QuarantineDocument } from '../engine/schemas.ts';
import { targetAt } from '../engine/targets.ts';
import { HandoverError } from '../errors.ts';
import type { Key } from '../record/key.ts';
import { atomicTogether, type Entity, type Store } from '../store/store.ts';

export interface Look {
  readonly store: Store;
  readonly migration: Migration;
  readonly campaign: CampaignDocument;
}

/** A record as it was found, for people to read. */
export interface Found {
  /** The entity it was found by. */
  readonly key: Key;
  readonly home: Side;
  /** Not known when the entity does not decode, or its transform fails. */
  readonly keys?: Pair['keys'];
  readonly pair?: Pair;
  /** Of a record that is rewritten in place. */
  readonly field?: FieldHeld;
  /** `stranded`: left at a new key that its record no longer maps to; the next sweep removes it. */
  readonly state: RecordState | FieldState | 'quarantined' | 'failing' | 'stranded';
  readonly target?: Target;
  /** What a worker would do next; undefined at rest. */
  readonly next?: Move;
  /** Why it cannot be moved. */
  readonly problem?: { readonly code: string; readonly message: string; readonly at?: number };
}

/** Says of each entity of one home which record it is of and how that stands. Entities of nobody are left out. */
export async function classify(
  entities: readonly Entity[],
  rule: EntityRule,
  home: Side,
  look: Look,
): Promise<readonly Found[]> {
  const looked = entities.map((entity) => toItem(entity, rule, home, look));
  const items = looked.flatMap((each) => (each && 'pair' in each ? [each] : []));
  await lookAtPeers(items, home, look.store);
  await lookAgain(items.filter(isOdd(look.campaign.id)), look.store);
  const listed = await listedFor(looked, entities, home, look);
  return looked.flatMap((each, i) => {
    if (!each) return [];
    const entry = listed[i];
    const { key } = entities[i]!;
    if (!('pair' in each)) {
      const state = entry ? ('quarantined' as const) : ('failing' as const);
      return [{ key, home, state, problem: entry ?? each }];
    }
    return foundOf(key, home, each, entry, look);
  });
}

/** The same of records that are rewritten in place. */
export async function classifyFields(
  entities: readonly Entity[],
  rule: FieldRule,
  { store, campaign }: Look,
): Promise<readonly Found[]> {
  const mine = entities.filter(({ key }) => matches(rule.of, key));
  const sources = mine.map(({ key }) => key);
  const listed = await listedOf(store, campaign.id, sources);
  return mine.flatMap((entity, i): Found[] => {
    const keys = { S: entity.key, T: entity.key };
    const found = { key: entity.key, home: 'S' as const, keys };
    const entry = listed[i];
    try {
      const held = holdField(rule, entity);
      if (entry) return [{ ...found, field: held, state: 'quarantined', problem: problemOf(entry) }];
      const state = fieldStateOf(held);
      if (state === 'absent') return [];
      const target = targetAt(campaign.targets, entity.key);
      const next = nextFieldMove(held, state, target)?.move;
      return [{ ...found, field: held, state, target, ...(next ? { next } : {}) }];
    } catch (error) {
      if (!(error instanceof HandoverError)) throw error;
      if (entry) return [{ ...found, state: 'quarantined', problem: problemOf(entry) }];
      return [{ ...found, state: 'failing', problem: { code: error.code, message: error.detail } }];
    }
  });
}

type Failure = { readonly code: string; readonly message: string };

function toItem(entity: Entity, rule: EntityRule, home: Side, look: Look): Item | Failure | undefined {
  const { migration, campaign } = look;
  try {
    const pair = pairOf(rule, campaign.id, entity, versionUnder(campaign));
    if (pair?.scanned !== home) return undefined;
    const { S, T } = pair.keys;
    const target = targetAt(campaign.targets, migration.by === 'group' ? T.root : S);
    return { pair, target, moves: 0 };
  } catch (error) {
    if (!(error instanceof HandoverError)) throw error;
    return { code: error.code, message: error.detail };
  }
}

/** Two reads at two moments can look like what never was: those are looked at again, at one moment. */
const isOdd = (campaign: string) => (item: Item) =>
  !item.result && (mismatch(item.pair, campaign) || ['split', 'corrupt'].includes(stateOf(item.pair)));

async function listedFor(
  looked: readonly (Item | Failure | undefined)[],
  entities: readonly Entity[],
  home: Side,
  look: Look,
) {
  const { store, campaign } = look;
  if (!(await anyIn(store, campaign.id))) return [];
  const keys = looked.map((each, i) =>
    each && 'pair' in each
      ? quarantineKey(campaign.id, each.pair.keys.T.root, each.pair.keys.S)
      : quarantineKey(campaign.id, home === 'T' ? entities[i]!.key.root : undefined, entities[i]!.key),
  );
  const entries = await loadMany(store, 'quarantine', keys);
  return entries.map((entry) => entry && problemOf(entry.value));
}

export const problemOf = ({ code, message, at }: QuarantineDocument) => ({ code, message, at });

function foundOf(
  key: Key,
  home: Side,
  { pair, target, result }: Item,
  entry: ReturnType<typeof problemOf> | undefined,
  look: Look,
): Found[] {
  const { keys } = pair;
  const found = { key, home, keys, pair, target };
  // A record is shown once: by its old home, or by its new one where the old one holds nothing of it.
  if (home === 'T' && pair.S) return isStranded(pair) ? [{ ...found, state: 'stranded' }] : [];
  if (entry) return [{ ...found, state: 'quarantined', problem: entry }];
  const wrong = result?.status === 'failed' ? result : mismatchOf(pair, look.campaign.id);
  if (wrong) return [{ ...found, state: 'failing', problem: { code: wrong.code, message: wrong.message } }];
  const state = stateOf(pair);
  if (state === 'absent') return [];
  const next = nextMove(state, target, atomicTogether(look.store.capabilities, keys.S, keys.T));
  return [{ ...found, state, ...(next ? { next } : {}) }];
}

function mismatchOf(pair: Pair, campaign: string): Failure | undefined {
  const wrong = mismatch(pair, campaign);
  return wrong && { code: wrong.code, message: wrong.detail };
}

function isStranded(pair: Pair): boolean {
  try {
    return !peerOf(pair, pair.S!).equals(pair.keys.T);
  } catch {
    return false;
  }
}
