import type { EntityRule } from '../define/entity.ts';
import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Content } from '../record/content.ts';
import type { Key } from '../record/key.ts';
import { encodeSlot } from '../record/slot.ts';
import { checkEntity } from '../store/check.ts';
import { atomicTogether, type Capabilities, type Entity, type Store } from '../store/store.ts';
import { UNFENCED } from './fence.ts';
import { indexEntriesOf } from './indexEntries.ts';
import type { Item } from './item.ts';
import type { KeySet } from './keySet.ts';
import type { Actor } from './moves.ts';
import { hold, mismatch, type Pair, pairOf, roleOf } from './pair.ts';
import type { PlanFindings, PlanProblem, RulePlan } from './planReport.ts';
import { reconcile } from './reconcile.ts';
import { scratchStore } from './scratch.ts';

export interface PlanContext {
  readonly store: Store;
  readonly findings: PlanFindings;
  readonly campaign: string;
  /** New keys that records were given so far. */
  readonly targets: KeySet;
  /** Target groups so far; under `by: 'group'`. */
  readonly groups: KeySet | undefined;
}

/** Adds one page of an old home to the plan. A record that fails is counted with its cause; the others go on. */
export async function planPage(
  entities: readonly Entity[],
  rule: EntityRule,
  of: RulePlan,
  context: PlanContext,
): Promise<void> {
  const { store, campaign, findings } = context;
  const pairs: Pair[] = [];
  for (const entity of entities) {
    findings.seen++;
    tried(findings, entity.key, () => {
      const pair = pairOf(rule, campaign, entity);
      if (pair?.scanned === 'S') pairs.push(pair);
    });
  }
  const peers = await store.read(pairs.map(({ keys }) => keys.T));
  const movable = pairs.filter((pair, i) => isMovable(pair, peers[i], of, context));
  await rehearse(movable, [...entities, ...peers.filter((peer) => peer !== undefined)], of, context);
}

/** Counts a record. False when there is nothing to rehearse: it is under way, or cannot have its new key. */
function isMovable(pair: Pair, peer: Entity | undefined, of: RulePlan, context: PlanContext): boolean {
  const { store, findings, campaign, targets, groups } = context;
  const { keys, S } = pair;
  const readable = tried(findings, keys.S, () => {
    pair.T = hold(peer);
  });
  if (roleOf(S) !== 'O' || (pair.T && !mismatch(pair, campaign))) {
    of.inFlight++;
    return false;
  }
  of.records++;
  of.bytes += keys.S.bytes.length + S!.content.bytes.length;
  of.indexEntries += indexEntriesOf(S!.content);
  if (atomicTogether(store.capabilities, keys.S, keys.T)) of.short++;
  groups?.add(keys.T.root);
  const added = targets.add(keys.T);
  if (added === 'full') findings.unchecked++;
  const free = tried(findings, keys.S, () => {
    if (added === 'present')
      throw new HandoverError('target.collision', `${keys.S} and another record map to ${keys.T}.`);
  });
  return readable && free;
}

/**
 * The journey itself, by the engine's own decisions and moves, on copies in memory: there, and back again. What would
 * set a record aside in earnest does so here.
 */
async function rehearse(
  pairs: readonly Pair[],
  entities: readonly Entity[],
  of: RulePlan,
  { store: { capabilities }, findings, campaign }: PlanContext,
): Promise<void> {
  const stable = pairs.filter((pair) => tried(findings, pair.keys.S, () => checkAlone(pair, capabilities)));
  const store = scratchStore(capabilities, entities);
  const before = stable.map(({ S }) => S!.content);
  const there = stable.map((pair, i): Item => ({ pair, target: 'switched', moves: 0, mapped: before[i]! }));
  await reconcile(there, { store, actor: actorOf(campaign), fence: UNFENCED });
  const back: { readonly item: Item; readonly before: Content }[] = [];
  for (const [i, item] of there.entries()) {
    const { pair } = item;
    if (!tried(findings, pair.keys.S, () => checkRest(item))) continue;
    of.newBytes += pair.keys.T.bytes.length + pair.T!.content.bytes.length;
    of.newIndexEntries += indexEntriesOf(pair.T!.content);
    of.slotBytes += slotBytes(pair);
    back.push({ item: { pair, target: 'home', moves: 0 }, before: before[i]! });
  }
  await reconcile(
    back.map(({ item }) => item),
    { store, actor: actorOf(campaign), fence: UNFENCED },
  );
  for (const { item, before: was } of back) {
    tried(findings, item.pair.keys.S, () => checkReturn(item, findings, was));
  }
}

/** A worker's name of a common length, and the time of a journal entry that has its usual digits. */
export const actorOf = (campaign: string): Actor => ({ campaign, worker: 'w00000000', now: () => 1_700_000_000_000 });

/** What the engine takes on trust: transforms that say the same twice, and room for the longest slot there may be. */
function checkAlone({ rule, keys, S }: Pair, capabilities: Capabilities): void {
  const { content } = S!;
  if (!rule.targetOf(keys.S, content).equals(keys.T)) {
    throw new HandoverError('transform.unstable', `${keys.S} was given another key the second time.`);
  }
  checkFits(keys.S, content, keys.T, capabilities);
  const forward = rule.forward(keys.S, content);
  if (!rule.forward(keys.S, content).equals(forward)) {
    throw new HandoverError('transform.forward', `${keys.S} became something else the second time.`);
  }
  checkFits(keys.T, forward, keys.S, capabilities);
}

function checkRest({ pair, result }: Item): void {
  if (result?.status === 'failed') throw new HandoverError(result.code, result.message);
  if (result?.status === 'rest') return;
  throw new HandoverError('transform.unstable', `${pair.keys.S} came to no rest.`);
}

function checkReturn(item: Item, findings: PlanFindings, before: Content): void {
  checkRest(item);
  const { keys, S } = item.pair;
  if (!S!.content.equals(before)) note(findings.inexact, keys.S, '`backward` of `forward` is not what the record was.');
}

/** What both sides carry beside their content once the record has switched. */
const slotBytes = ({ S, T }: Pair): number =>
  [S, T].reduce((sum, held) => sum + (held?.slot ? Buffer.byteLength(encodeSlot(held.slot)) : 0), 0);

/** The longest journal a slot can have: seven digits of moves, a worker's name of a common length. */
export const LONGEST_JOURNAL = Array.from({ length: LIMITS.journalEntries }, () => {
  return { seq: 1_000_000, move: 'promote T', at: 1_700_000_000_000, by: 'w00000000' };
});

/** With the longest slot that a side may carry on the way. Throws `entity.tooLarge` or `key.tooLong`. */
function checkFits(key: Key, content: Content, peer: Key, capabilities: Capabilities): void {
  const room = capabilities.maxEntityBytes - content.bytes.length;
  // Nearly always there is room for any slot, and none need be written to see it.
  const slot = room > 100 * LIMITS.keyBytes ? undefined : longestSlot(content, peer);
  checkEntity(key, content, slot, capabilities);
}

function longestSlot({ fingerprint }: Content, peer: Key): string {
  const names = { peer: peer.toString(), campaign: 'x'.repeat(45), nonce: 'x'.repeat(16) };
  return encodeSlot({ role: 'ceded', side: 'S', of: fingerprint, seq: 1_000_000, journal: LONGEST_JOURNAL, ...names });
}

/** Author code and slot decoding, for one record. */
export function tried(findings: PlanFindings, key: Key, run: () => void): boolean {
  try {
    run();
    return true;
  } catch (error) {
    if (!(error instanceof HandoverError)) throw error;
    findings.problems[error.code] ??= { count: 0, samples: [] };
    note(findings.problems[error.code]!, key, error.detail);
    return false;
  }
}

export function note(problem: PlanProblem, key: Key, message: string): void {
  problem.count++;
  if (problem.samples.length < LIMITS.samples) problem.samples.push({ key: key.toString(), message });
}
