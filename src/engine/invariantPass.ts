import type { Side } from '../../machines/moves.ts';
import type { EntityRule } from '../define/entity.ts';
import type { Invariant } from '../define/invariant.ts';
import type { Migration } from '../define/migration.ts';
import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { sideOf, truth } from '../record/authority.ts';
import type { Content } from '../record/content.ts';
import { toPlain } from '../record/plain.ts';
import { isShadow } from '../record/slot.ts';
import type { Entity, Store, View } from '../store/store.ts';
import { type Shown, Tally } from './invariantTotals.ts';
import type { Item } from './item.ts';
import { lookAgain, lookAtPeers } from './looks.ts';
import { isFresh, mismatch, type Pair, pairOf, roleOf } from './pair.ts';
import { homeRange } from './sweep.ts';

/** What a pass reads from, and under what. */
export interface PassOptions {
  readonly store: Store;
  readonly migration: Migration;
  /** The campaign's id. */
  readonly campaign: string;
  /** What its shadows are made under. */
  readonly version?: number | undefined;
  readonly invariants: readonly Invariant[];
  /** Awaited before each page: waits for its turn, and throws when there is no use in going on. */
  readonly turn: () => Promise<void>;
}

/**
 * One pass over all homes of the rules that the invariants are about: each record is counted once, by its old home, or,
 * where that holds nothing of it, by its new one. Needs no more memory than the groups. Without a `view` of one moment,
 * each record is all the same seen in both shapes at once, so that what compares the two is not disturbed by writers.
 */
export async function passOver(options: PassOptions, view?: View): Promise<readonly Tally[]> {
  const { store, migration, invariants } = options;
  const all = invariants.map((invariant) => new Tally(invariant));
  for (const home of ['S', 'T'] as const) {
    for (const [index, rule] of migration.records.entries()) {
      const mine = invariants.filter(({ of }) => of.length === 0 || of.includes(rule));
      if (mine.length === 0) continue;
      const part = mine.map((invariant) => new Tally(invariant));
      let range = homeRange(migration, index, home);
      for (let more = true; more; ) {
        await options.turn();
        const page = await (view ?? store).scan(range, LIMITS.pageSize);
        await countPage(page.entities, { ...options, view, rule, home, part });
        more = page.more;
        const last = page.entities[page.entities.length - 1];
        if (last) range = { ...range, after: last.key };
      }
      for (const tally of part) all.find(({ invariant }) => invariant === tally.invariant)!.merge(tally);
    }
  }
  return all;
}

interface Context extends Pick<PassOptions, 'store' | 'campaign' | 'version'> {
  readonly view: View | undefined;
  readonly rule: EntityRule;
  readonly home: Side;
  readonly part: readonly Tally[];
}

async function countPage(entities: readonly Entity[], context: Context): Promise<void> {
  const { store, view, home, part } = context;
  const items = entities.flatMap((entity) => itemOf(entity, context));
  await lookAtPeers(items, home, view ? { capabilities: store.capabilities, read: view.read } : store);
  // Two reads may have had a move between them; then both sides are looked at together.
  if (!view)
    await lookAgain(
      items.filter(({ pair }) => truthOf(pair).kind === 'split'),
      store,
    );
  const compares = part.some(({ invariant }) => invariant.must === 'match');
  for (const item of items) {
    const found = item.result ? 'unreadable' : shapesOf(item.pair, context, compares);
    if (found === 'unreadable') for (const tally of part) tally.uncompared++;
    else if (found) for (const tally of part) tally.count(found.truth, found.other);
  }
}

function itemOf(entity: Entity, { rule, version, campaign, home, part }: Context): Item[] {
  // A shadow at T says nothing that its peer at S does not; without one it is no record.
  if (home === 'T' && entity.slot !== undefined && isShadow(entity.slot)) return [];
  try {
    const pair = pairOf(rule, campaign, entity, version);
    if (pair?.scanned !== home) return [];
    return [{ pair, target: 'home', moves: 0 }];
  } catch (error) {
    if (!(error instanceof HandoverError)) throw error;
    // It is quarantined, or will be.
    for (const tally of part) tally.uncompared++;
    return [];
  }
}

const truthOf = ({ S, T }: Pair) => truth(sideOf(S?.content, S?.slot), sideOf(T?.content, T?.slot));

/** The record in the shape that holds the truth, and in the other; undefined where it does not exist, or is not counted here. */
function shapesOf(
  pair: Pair,
  { campaign, home }: Context,
  compares: boolean,
): { readonly truth: Shown; readonly other: Shown | undefined } | 'unreadable' | undefined {
  if (home === 'T' && pair.S) return undefined;
  // Whatever stands at the target is not this record.
  if (mismatch(pair, campaign)) pair.T = undefined;
  const says = truthOf(pair);
  if (says.kind === 'split' || says.kind === 'corrupt') return 'unreadable';
  if (says.kind === 'absent' || (says.kind === 'owner' && says.deleted)) return undefined;
  const old = (content: Content): Shown => ({ shape: 'old', record: plainOf(content), key: pair.keys.S });
  const now = (content: Content): Shown => ({ shape: 'new', record: plainOf(content), key: pair.keys.T });
  const other = compares ? otherShape(pair, says.at) : undefined;
  if (says.at === 'S') return { truth: old(pair.S!.content), other: other && now(other) };
  return { truth: now(pair.T!.content), other: other && old(other) };
}

const plainOf = (content: Content) => toPlain(content.properties);

/**
 * What stands at the other home, where it says the same: a fresh copy, or the frozen side that the truth came from and
 * that no client has written since, for a client's nonce stays with what it wrote. Otherwise what the transform makes.
 */
function otherShape({ rule, version, keys, S, T }: Pair, at: Side): Content | undefined {
  const [held, peer] = at === 'S' ? [S!, T] : [T!, S];
  const role = roleOf(peer);
  if (role === 'H' && isFresh(peer!, held, version)) return peer!.content;
  const unwritten = held.slot?.of === peer?.slot?.of && held.slot?.nonce === peer?.slot?.nonce;
  if (role === 'C' && roleOf(held) === 'O' && unwritten) return peer!.content;
  try {
    if (at === 'S') return rule.forward(keys.S, held.content);
    return rule.reversible ? rule.backward(keys.S, held.content) : undefined;
  } catch (error) {
    // What cannot be transformed is quarantined, or will be.
    if (error instanceof HandoverError) return undefined;
    throw error;
  }
}
