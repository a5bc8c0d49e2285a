import type { Side } from '../../machines/moves.ts';
import { type Clock, systemClock } from '../clock.ts';
import type { EntityRule } from '../define/entity.ts';
import { type Held, hold, other, type Pair, roleOf } from '../engine/pair.ts';
import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { AUTHORITY } from '../record/authority.ts';
import { Content } from '../record/content.ts';
import type { Key } from '../record/key.ts';
import { fromPlain, type PlainRecord, toPlain } from '../record/plain.ts';
import { encodeSlot, type Slot } from '../record/slot.ts';
import type { Entity, Mutation, Outcome, Store } from '../store/store.ts';

/**
 * What the live application reads and writes through while a campaign runs: it follows the protocol's client rules and
 * knows nothing of the campaign. Records are in the new shape, wherever they are. Nothing is cached.
 */
export interface RouterOptions {
  readonly store: Store;
  /** The rule of the migration that moves these records. */
  readonly rule: EntityRule;
  readonly clock?: Clock;
}

/** A record's two keys. */
export interface Address {
  readonly from: Key;
  readonly into: Key;
}

export class Router<N extends object = PlainRecord> {
  readonly #store: Store;
  readonly #rule: EntityRule;
  readonly #clock: Clock;

  constructor({ store, rule, clock = systemClock }: RouterOptions) {
    this.#store = store;
    this.#rule = rule;
    this.#clock = clock;
  }

  /** The record, or undefined when there is none. Its value was the truth at some moment during the call (P3). */
  async get(address: Address): Promise<N | undefined> {
    const pair = await this.#look(address);
    const found = truthOf(pair);
    return found && (toPlain(this.#inNewShape(pair, found.at, found.held.content).properties) as N);
  }

  /**
   * Replaces the record by what `change` makes of it, by compare-and-set: `change` is called again when somebody else was
   * faster. Resolves with what was written, or undefined when there is no record. Throws `record.contended` after many
   * lost attempts, `record.split` when both homes claim the record, and `store.unknown` when an answer was lost and what
   * became of the write cannot be told any more.
   */
  async update(address: Address, change: (record: N) => N): Promise<N | undefined> {
    const nonce = this.#clock.id(8);
    let lost = false;
    for (let attempt = 0; attempt < LIMITS.routerAttempts; attempt++) {
      const pair = await this.#look(address);
      const found = truthOf(pair);
      if (!found) return undefined;
      // A commit whose answer was lost may land late: before any further attempt, see whether it has by now.
      if (lost && bears(pair, nonce))
        return toPlain(this.#inNewShape(pair, found.at, found.held.content).properties) as N;
      // Gave the truth away and the other side is not there to take it: give it its copy back first, then look again.
      // Never by inserting an owner: the worker that ceded may be about to do the same.
      const at = roleOf(found.held) === 'C' ? other(found.at) : found.at;
      if (!pair[at]) {
        await this.#store.commit([this.#copyOf(pair, at)]);
        continue;
      }
      const now = this.#inNewShape(pair, found.at, found.held.content);
      const written = fromPlain(change(toPlain(now.properties) as N), now.properties);
      const content = at === 'T' ? Content.of(written) : this.#inOldShape(pair, Content.of(written));
      const [outcome] = await this.#store.commit([this.#write(pair, at, content, nonce)]);
      if (await this.#wasApplied(outcome!, pair, at, address, nonce)) return toPlain(written) as N;
      if (outcome!.status === 'unknown') lost = true;
    }
    throw new HandoverError('record.contended', `${address.from} kept changing.`, { key: address.from.toString() });
  }

  /** Both sides at one moment, or S, T and S again until that was one moment. */
  async #look({ from, into }: Address): Promise<Pair> {
    const keys = { S: from, T: into };
    const toPair = (S: Entity | undefined, T: Entity | undefined): Pair => {
      return { rule: this.#rule, scanned: 'S', keys, S: hold(S), T: hold(T), replaceable: 'both' };
    };
    if (this.#store.capabilities.snapshotReads) {
      const [S, T] = await this.#store.readTogether([from, into]);
      return toPair(S, T);
    }
    for (let attempt = 0; attempt < LIMITS.routerAttempts; attempt++) {
      const [before] = await this.#store.read([from]);
      const [T] = await this.#store.read([into]);
      const [S] = await this.#store.read([from]);
      if (before?.version === S?.version) return toPair(S, T);
    }
    throw new HandoverError('record.contended', `${from} kept changing.`, { key: from.toString() });
  }

  #inNewShape({ rule, keys }: Pair, at: Side, content: Content): Content {
    return at === 'S' ? rule.forward(keys.S, content) : content;
  }

  #inOldShape({ rule, keys }: Pair, content: Content): Content {
    if (rule.reversible) return rule.backward(keys.S, content);
    throw new HandoverError(
      'reverse.missing',
      `${keys.S} is still in its old shape, and cannot be written in the new one.`,
    );
  }

  #write(pair: Pair, at: Side, content: Content, nonce: string): Mutation {
    const held = pair[at]!;
    const promotes = roleOf(held) === 'H';
    // Who promotes has taken the last step of the pair: its journal goes on from the side that has seen more.
    const peer = pair[other(at)]?.slot;
    const { seq: last, journal } = promotes && peer && peer.seq > held.slot!.seq ? peer : (held.slot ?? NEVER_MOVED);
    const entry = { seq: last + 1, move: `promote ${at}`, at: this.#clock.now(), by: 'client' };
    const slot: Slot = {
      role: 'owner',
      side: at,
      of: held.slot?.of ?? '',
      peer: pair.keys[other(at)].toString(),
      campaign: (held.slot ?? peer)?.campaign ?? '',
      seq: promotes ? last + 1 : last,
      nonce,
      journal: promotes ? [...journal, entry].slice(-LIMITS.journalEntries) : journal,
    };
    return { op: 'update', key: pair.keys[at], version: held.version, content, slot: encodeSlot(slot) };
  }

  #copyOf(pair: Pair, at: Side): Mutation {
    const giver = pair[other(at)]!;
    const { content } = giver;
    const slot: Slot = {
      role: 'shadow',
      side: at,
      of: content.fingerprint,
      peer: pair.keys[other(at)].toString(),
      campaign: giver.slot!.campaign,
      seq: giver.slot!.seq,
      journal: giver.slot!.journal,
    };
    const mirrored = at === 'T' ? pair.rule.forward(pair.keys.S, content) : this.#inOldShape(pair, content);
    return { op: 'insert', key: pair.keys[at], content: mirrored, slot: encodeSlot(slot) };
  }

  /** A lost answer is settled by looking for the write's own nonce, never by trying again blindly. */
  async #wasApplied(outcome: Outcome, before: Pair, at: Side, address: Address, nonce: string): Promise<boolean> {
    if (outcome.status !== 'unknown') return outcome.status === 'applied';
    const now = await this.#look(address);
    if (bears(now, nonce)) return true;
    if (now[at]?.version === before[at]!.version) return false;
    throw new HandoverError('store.unknown', `${address.from} was written by others since.`, { cause: outcome.cause });
  }
}

const bears = ({ S, T }: Pair, nonce: string): boolean => S?.slot?.nonce === nonce || T?.slot?.nonce === nonce;

const NEVER_MOVED: Pick<Slot, 'seq' | 'journal'> = { seq: 0, journal: [] };

/** Who holds the truth of a pair read at one moment; undefined when the record does not exist. Throws `record.split`. */
function truthOf({ S, T, keys }: Pair): { at: Side; held: Held } | undefined {
  const { truth } = AUTHORITY[`${roleOf(S)}${roleOf(T)}`];
  if (truth.kind === 'split' || truth.kind === 'corrupt') {
    throw new HandoverError(`record.${truth.kind}`, `${keys.S} and ${keys.T}.`, { key: keys.S.toString() });
  }
  if (truth.kind === 'absent' || (truth.kind === 'owner' && truth.deleted)) return undefined;
  return { at: truth.at, held: (truth.at === 'S' ? S : T)! };
}
