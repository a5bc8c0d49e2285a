import type { EntityRule } from '../define/entity.ts';
import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Content } from '../record/content.ts';
import type { Key } from '../record/key.ts';
import { encodeSlot } from '../record/slot.ts';
import { checkEntity } from '../store/check.ts';
import { atomicTogether, type Entity, type Store } from '../store/store.ts';
import { hold, locate, mismatch, type Pair, roleOf } from './pair.ts';
import type { PlanProblem, PlanReport, RulePlan } from './plan.ts';
import { placeOf } from './targets.ts';

interface Context {
  readonly report: PlanReport;
  readonly store: Store;
  readonly campaign: string;
}

/** Adds one page of an old home to the report. A record that fails is counted with its cause; the others go on. */
export async function planPage(
  entities: readonly Entity[],
  rule: EntityRule,
  of: RulePlan,
  context: Context,
): Promise<void> {
  const { report, store, campaign } = context;
  const pairs: Pair[] = [];
  for (const entity of entities) {
    report.seen++;
    tried(report, entity.key, () => {
      const held = hold(entity)!;
      const place = locate(rule, campaign, entity.key, held);
      if (place?.side !== 'S') return;
      pairs.push({ rule, scanned: 'S', keys: place.keys, S: held, T: undefined, replaceable: 'S' });
    });
  }
  const peers = await store.read(pairs.map(({ keys }) => keys.T));
  const claimed = new Set<string>();
  for (const [i, pair] of pairs.entries()) {
    const free =
      roleOf(pair.S) !== 'O' || tried(report, pair.keys.S, () => checkTarget(pair, peers[i], claimed, campaign));
    if (isUnderWay(pair)) {
      report.inFlight++;
      of.inFlight++;
    } else planRecord(pair, of, free, context);
  }
}

/** Whether the record could have its new key at all. */
function checkTarget(pair: Pair, peer: Entity | undefined, claimed: Set<string>, campaign: string): void {
  const { S, T } = pair.keys;
  // Within a page only: the keys of a whole population would not fit into memory. The campaign finds the others.
  if (claimed.size === claimed.add(T.toString()).size) {
    throw new HandoverError('target.collision', `${S} and another record map to ${T}.`);
  }
  pair.T = hold(peer);
  const wrong = mismatch(pair, campaign);
  if (!wrong) return;
  pair.T = undefined;
  throw new HandoverError(wrong.code, wrong.detail);
}

const isUnderWay = ({ S, T }: Pair): boolean => roleOf(S) !== 'O' || T !== undefined;

function planRecord(pair: Pair, of: RulePlan, free: boolean, { report, store }: Context): void {
  const { keys, S } = pair;
  const bytes = keys.S.bytes.length + S!.content.bytes.length;
  report.records++;
  of.records++;
  report.bytes += bytes;
  of.bytes += bytes;
  if (atomicTogether(store.capabilities, keys.S, keys.T)) report.short++;
  if (!free || (report.sample < 100 && placeOf(keys.S) >= report.sample)) return;
  tried(report, keys.S, () => tryTransforms(pair, report, store));
}

function tryTransforms({ rule, keys, S }: Pair, report: PlanReport, store: Store): void {
  const { content } = S!;
  if (!rule.targetOf(keys.S, content).equals(keys.T)) {
    throw new HandoverError('transform.unstable', `${keys.S} was given another key the second time.`);
  }
  checkFits(keys.S, content, keys.T, store);
  const forward = rule.forward(keys.S, content);
  if (!rule.forward(keys.S, content).equals(forward)) {
    throw new HandoverError('transform.forward', `${keys.S} became something else the second time.`);
  }
  checkFits(keys.T, forward, keys.S, store);
  if (!rule.reversible || rule.backward(keys.S, forward).equals(content)) return;
  note(report.inexact, keys.S, '`backward` of `forward` is not what the record was.');
}

/** The longest journal a slot can have: seven digits of moves, a worker's name of a common length. */
const JOURNAL = Array.from({ length: LIMITS.journalEntries }, () => {
  return { seq: 1_000_000, move: 'promote T', at: 1_700_000_000_000, by: 'w00000000' };
});

/** With the slot that each side carries on the way. Throws `entity.tooLarge` or `key.tooLong`. */
function checkFits(key: Key, content: Content, peer: Key, { capabilities }: Store): void {
  const room = capabilities.maxEntityBytes - content.bytes.length;
  // Nearly always there is room for any slot, and none need be written to see it.
  const slot = room > 100 * LIMITS.keyBytes ? undefined : longestSlot(content, peer);
  checkEntity(key, content, slot, capabilities);
}

function longestSlot({ fingerprint }: Content, peer: Key): string {
  const names = { peer: peer.toString(), campaign: 'x'.repeat(45), nonce: 'x'.repeat(16) };
  return encodeSlot({ role: 'ceded', side: 'S', of: fingerprint, seq: 1_000_000, journal: JOURNAL, ...names });
}

/** Author code and slot decoding, for one record. */
function tried(report: PlanReport, key: Key, run: () => void): boolean {
  try {
    run();
    return true;
  } catch (error) {
    if (!(error instanceof HandoverError)) throw error;
    report.problems[error.code] ??= { count: 0, samples: [] };
    note(report.problems[error.code]!, key, error.detail);
    return false;
  }
}

function note(problem: PlanProblem, key: Key, message: string): void {
  problem.count++;
  if (problem.samples.length < LIMITS.samples) problem.samples.push({ key: key.toString(), message });
}
