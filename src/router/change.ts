import { type Side, TARGETS } from '../../machines/moves.ts';
import { elapsed } from '../clock.ts';
import { nextMove } from '../engine/decide.ts';
import { writesOf } from '../engine/moves.ts';
import { other, roleOf, stateOf } from '../engine/pair.ts';
import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { Content } from '../record/content.ts';
import { fromPlain, toPlain } from '../record/plain.ts';
import { type Guard, guardOn, type Mutation, type Outcome, type Version } from '../store/store.ts';
import type { Address } from './address.ts';
import { type Care, isCertain, type Look, look, type Tools, type Truth, truthOf } from './look.ts';
import { checkPlace, misplaced } from './place.ts';
import { reshape, type Shape, seenAs, storedAt } from './shape.ts';
import { birth, busyPauseMs, ownerAt, removal, settled } from './writes.ts';

/** What is to become of a record, given what it is now. */
export type Wish<R> = { readonly write: R } | 'delete' | 'leave';

/** `record`: what was written, or what was found and left alone. */
export interface Ending<R> {
  readonly done: boolean;
  readonly record: R | undefined;
  readonly keys: Look['keys'];
}

/** A commit that changes the truth and whose answer was lost. */
interface Unanswered<R> {
  readonly at: Side;
  readonly version: Version;
  readonly mutation: Mutation;
  readonly ending: Ending<R>;
}

/**
 * One write of the application, carried to its end: look, decide, compare-and-set, and again when somebody else was
 * faster. Follows the client rules of docs/PROTOCOL.md.
 *
 * A commit whose answer was lost may have been applied, and may be applied later still. Until it is settled nothing else
 * is tried: either the call's nonce is found, so it was applied; or the version that it names still stands, so a commit
 * that names it too may be sent, for at most one of the two can find that version; or nobody can tell any more.
 */
export class Change<R extends object> {
  readonly #tools: Tools;
  readonly #address: Address;
  readonly #shape: Shape;
  readonly #decide: (now: R | undefined) => Wish<R>;
  readonly #nonce: string;
  #unanswered: Unanswered<R> | undefined;
  #care: Care;
  #busy = 0;

  /** `care`: of the first look. */
  constructor(tools: Tools, address: Address, shape: Shape, decide: (now: R | undefined) => Wish<R>, care: Care) {
    this.#tools = tools;
    this.#address = address;
    this.#shape = shape;
    this.#decide = decide;
    this.#care = care;
    this.#nonce = tools.clock.id(8);
  }

  /** Throws `record.contended`, `record.split`, `store.unknown`, and what the transforms throw. */
  async run(): Promise<Ending<R>> {
    try {
      for (let attempt = 0; attempt < LIMITS.routerAttempts; attempt++) {
        const found = await look(this.#address, this.#tools, this.#care);
        const ending = await (this.#unanswered ? this.#ask(found, this.#unanswered) : this.#attempt(found));
        if (ending) return ending;
      }
    } catch (cause) {
      if (!this.#unanswered || (cause instanceof HandoverError && cause.code === 'store.unknown')) throw cause;
      throw this.#unknown('nobody could look what became of it', cause);
    }
    if (this.#unanswered) throw this.#unknown('no attempt was answered');
    const key = this.#name;
    throw new HandoverError('record.contended', `${key} kept changing.`, { key });
  }

  async #attempt(found: Look): Promise<Ending<R> | undefined> {
    if (!isCertain(found)) return this.#lookCloser();
    if (isBirth(found, this.#nonce)) return this.#settle(found);
    const truth = truthOf(found);
    const now = truth && seenAs(found, truth.held.content, truth.at, this.#shape);
    const wish = this.#decide(now && (toPlain(now.properties) as R));
    if (wish === 'leave' || (!truth && wish === 'delete')) {
      return { done: false, record: now && (toPlain(now.properties) as R), keys: found.keys };
    }
    // A delete must know whether the other side has ceded, an insert whether there is one: of one and the same moment.
    if (found.replaceable !== 'both' && (!truth || wish === 'delete')) return this.#lookCloser();
    if (!truth) return this.#insert(found, (wish as { write: R }).write);
    const content = wish === 'delete' ? undefined : Content.of(fromPlain(wish.write, now!.properties));
    return this.#overwrite(found, truth, content);
  }

  /** Replaces the owner; or the shadow of what is frozen, which by it becomes the owner. */
  async #overwrite(found: Look, { at: holder, held, ceded }: Truth, content: Content | undefined) {
    const at = ceded ? other(holder) : holder;
    // Never by inserting an owner: the worker that ceded may be about to do the same.
    if (!found[at]) return this.#giveBack(found, at);
    if (roleOf(found[at]) === 'B') return this.#clear(found);
    if (content) checkPlace(found, seenAs(found, held.content, holder, this.#shape), content, this.#shape);
    const writing = { clock: this.#tools.clock, nonce: this.#nonce };
    const stored = content && storedAt(found, content, at, this.#shape);
    // Deleted outright only where no frozen content would be the truth again.
    const outright = !content && !ceded && roleOf(found[other(at)]) !== 'C';
    // A tombstone is left for a sweep to clear: not on an old look, after which there may be no sweep any more.
    if (!content && !outright && this.#isOld(found)) return undefined;
    const mutation = outright ? removal(found, at) : ownerAt(found, at, stored, writing);
    const record = content && (toPlain(content.properties) as R);
    const buries = !content && !outright;
    return this.#commit(found, at, mutation, { done: true, record, keys: found.keys }, buries);
  }

  async #insert(found: Look, record: R): Promise<undefined> {
    const { rule, clock } = this.#tools;
    const { S, T, stranger } = found;
    if (stranger) throw new HandoverError(stranger, `${found.keys.T} holds something that is not ${found.keys.S}.`);
    if (roleOf(S) === 'B' && (!T || roleOf(T) === 'H')) return this.#waitForBirth(found);
    if (S || (T && roleOf(T) !== 'H')) return this.#clear(found);
    const content = reshape(found, Content.of(fromPlain(record)), this.#shape, 'old');
    if (!rule.targetOf(found.keys.S, content).equals(found.keys.T)) throw misplaced(found);
    if (this.#isOld(found)) return;
    // Whatever comes of it, the next look tells: a birth is no truth, and T must be looked at while it stands.
    await this.#send(birth(found, content, { clock, nonce: this.#nonce }));
    this.#care = 'moment';
  }

  /** The own birth stands while T was looked at, so nothing can have been born there since: settled, or withdrawn. */
  async #settle(found: Look): Promise<Ending<R> | undefined> {
    const { S, T, stranger } = found;
    if (found.replaceable !== 'both') return this.#lookCloser();
    if (stranger || (T && roleOf(T) !== 'H')) {
      await this.#send(removal(found, 'S'));
      return;
    }
    const mutation = settled(found, { clock: this.#tools.clock, nonce: this.#nonce });
    const record = toPlain(seenAs(found, S!.content, 'S', this.#shape).properties) as R;
    return this.#commit(found, 'S', mutation, { done: true, record, keys: found.keys });
  }

  /** Somebody else's insert: it is over soon, or its process died. To withdraw it is safe at any time: settling fails. */
  async #waitForBirth(found: Look): Promise<undefined> {
    const { clock } = this.#tools;
    const age = clock.now() - (found.S!.slot!.journal.at(-1)?.at ?? 0);
    if (Math.abs(age) >= LIMITS.birthMs) await this.#send(removal(found, 'S'));
    else await clock.sleep(Math.min(Math.max(age, 5), LIMITS.birthWaitMs));
  }

  /** Makes the move that any worker would make here, wherever the record is wanted: what is left of a deleted one goes. */
  async #clear(found: Look): Promise<undefined> {
    const moves = TARGETS.map((target) => nextMove(stateOf(found), target, false));
    const [move] = moves;
    if (move?.type !== 'drop' || moves.some((each) => each?.type !== 'drop' || each.at !== move.at)) return;
    await this.#send(removal(found, move.at));
  }

  /**
   * Gives the side that is to take the truth its shadow back. It can land on a record that has gone on meanwhile, for
   * an insert names no version; so it is not issued on an old look.
   */
  async #giveBack(found: Look, at: Side): Promise<undefined> {
    const { clock } = this.#tools;
    const campaign = found[other(at)]!.slot!.campaign;
    const [write] = writesOf({ type: 'copy', at }, found, { campaign, worker: 'client', now: () => clock.now() });
    if (this.#isOld(found)) return;
    await this.#send(write!.mutation, this.#guard(found, other(at)));
  }

  /** `depends`: whether it must not land once the other side has changed. */
  async #commit(found: Look, at: Side, mutation: Mutation, ending: Ending<R>, depends = false) {
    const guard = depends ? this.#guard(found, other(at)) : undefined;
    const outcome = await this.#send(mutation, guard);
    if (outcome.status === 'applied') return ending;
    if (outcome.status === 'refused') throw new HandoverError(outcome.code, outcome.cause);
    if (outcome.status === 'unknown') {
      this.#unanswered ??= { at, version: found[at]!.version, mutation, ending };
      this.#care = 'moment';
    }
    return undefined;
  }

  /** A store that has no room just now is left alone for a while, longer each time. */
  async #send(mutation: Mutation, guard?: Guard): Promise<Outcome> {
    const { store, clock } = this.#tools;
    const [outcome] = await store.commit([mutation], guard);
    if (outcome!.status === 'busy') await clock.sleep(busyPauseMs(this.#busy++));
    return outcome!;
  }

  async #ask(found: Look, { at, version, mutation, ending }: Unanswered<R>): Promise<Ending<R> | undefined> {
    if (bears(found, this.#nonce)) return ending;
    // The same again; but what is left of a deleted record depends on the other side, and that may have changed.
    const stands = found[at]?.version === version;
    if (stands) return ending.record ? this.#commit(found, at, mutation, ending) : this.#attempt(found);
    throw this.#unknown('the record was written by others since', undefined, found);
  }

  /** Where the store takes guards: the write depends on the side that it was decided by. */
  #guard(found: Look, side: Side): Guard | undefined {
    const held = found[side];
    return held && guardOn(this.#tools.store, found.keys[side], held.version);
  }

  /** Nothing lands late: who stalled since his look looks again. */
  #isOld({ at }: Look): boolean {
    return elapsed(this.#tools.clock, at) > LIMITS.actWithinMs;
  }

  #lookCloser(): undefined {
    this.#care = 'moment';
  }

  #unknown(why: string, cause?: unknown, found?: Look): HandoverError {
    const key = this.#name;
    const exists = found && { exists: truthOf(found) !== undefined };
    return new HandoverError('store.unknown', `A write of ${key}: ${why}.`, { key, ...exists }, { cause });
  }

  get #name(): string {
    return (this.#address.from ?? this.#address.into)!.toString();
  }
}

const isBirth = ({ S }: Look, nonce: string) => S?.slot?.role === 'birth' && S.slot.nonce === nonce;

/** A copy bears the nonce of what it was made from, a birth that of a write which has not happened. */
const bears = ({ S, T }: Look, nonce: string): boolean =>
  [S, T].some((held) => held?.slot?.nonce === nonce && held.slot.role !== 'birth');
