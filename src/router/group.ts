import { isJoined } from '../../machines/group.ts';
import { type Clock, elapsed, moment, systemClock } from '../clock.ts';
import type { EntityRule } from '../define/entity.ts';
import type { Migration } from '../define/migration.ts';
import { viewOf } from '../define/parts.ts';
import { documentKey, load, type Stored } from '../engine/documents.ts';
import { type Held, hold, roleOf } from '../engine/pair.ts';
import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { Content } from '../record/content.ts';
import { Key } from '../record/key.ts';
import { fromPlain, toPlain } from '../record/plain.ts';
import { guardOn, type Mutation, type Store } from '../store/store.ts';
import { newestCampaign } from './campaign.ts';
import { type Look, lookOf } from './look.ts';
import { busyPauseMs, ownerAt, removal } from './writes.ts';

export interface GroupOptions {
  readonly store: Store;
  /** A migration by group; the newest campaign of it knows which groups are joined. */
  readonly migration: Migration;
  readonly clock?: Clock;
}

/** What a function under `withGroup` reads and writes: records of one group, by their new keys, in their new shape. */
export interface GroupTransaction {
  get<N extends object>(rule: EntityRule<object, N>, into: Key): Promise<N | undefined>;
  /** Resolves with what will be written, or undefined when there is no record. */
  update<N extends object>(rule: EntityRule<object, N>, into: Key, change: (record: N) => N): Promise<N | undefined>;
  /** True when there is a record to delete. */
  delete<N extends object>(rule: EntityRule<object, N>, into: Key): Promise<boolean>;
}

/**
 * Runs a function over records of one group, whose writes are one atomic commit: all or nothing, and only if nothing of
 * what it read has changed. The function may run again, so it must do nothing else. Only once all its records
 * have arrived, that is when it is `joined` or `whole`: throws `group.gathering` before, and `store.unknown` when an answer was lost and nobody can tell what became of it.
 */
export async function withGroup<T>(
  options: GroupOptions,
  root: Key,
  run: (group: GroupTransaction) => Promise<T>,
): Promise<T> {
  const { clock = systemClock } = options;
  const store = viewOf(options.store, options.migration);
  if (store.capabilities.atomic === 'entity') {
    throw new RangeError(`${store.capabilities.name} commits single entities: it has no transaction of a group.`);
  }
  for (let attempt = 0; attempt < LIMITS.routerAttempts; attempt++) {
    const group = await wholeGroup(options, root);
    const transaction = new Transaction(store, root, { clock, nonce: clock.id(8) });
    const result = await run(transaction);
    const ending = await transaction.commit(group);
    if (ending === 'done') return result;
    if (ending === 'busy') await clock.sleep(busyPauseMs(attempt));
  }
  throw new HandoverError('record.contended', `${root} kept changing.`, { key: root.toString() });
}

async function wholeGroup({ store, migration }: GroupOptions, root: Key): Promise<Stored<'group'>> {
  const campaign = await newestCampaign(store, migration);
  const group = campaign && (await load(store, 'group', documentKey('group', campaign.id, root.toString())));
  // A command since may have sent the group back: what the sweep before said of it counts no more.
  if (group && isJoined(group.value.state) && group.value.generation === campaign?.generation) return group;
  throw new HandoverError('group.gathering', `${root} is ${group?.value.state ?? 'not known'}.`, {
    key: root.toString(),
  });
}

/**
 * Where the store takes guards, the commit itself depends on the group's document. Where it takes none, the document is
 * read once more before the commit, and what may slip through is a group that is joined by a new record in this very
 * moment; the records of the commit itself are held by their versions.
 */
async function isStill(store: Store, { key, version }: Stored<'group'>): Promise<boolean> {
  return (await load(store, 'group', key))?.version === version;
}

interface Member {
  readonly look: Look;
  /** What it is to become; undefined while it was only read, null to be deleted. */
  next?: Content | null;
}

class Transaction implements GroupTransaction {
  readonly #store: Store;
  readonly #root: Key;
  readonly #writing: { readonly clock: Clock; readonly nonce: string };
  readonly #members = new Map<string, Member>();

  constructor(store: Store, root: Key, writing: { clock: Clock; nonce: string }) {
    this.#store = store;
    this.#root = root;
    this.#writing = writing;
  }

  async get<N extends object>(rule: EntityRule<object, N>, into: Key): Promise<N | undefined> {
    const content = contentOf(await this.#member(rule, into));
    return content && (toPlain(content.properties) as N);
  }

  async update<N extends object>(rule: EntityRule<object, N>, into: Key, change: (record: N) => N) {
    const member = await this.#member(rule, into);
    const content = contentOf(member);
    if (!content) return undefined;
    member.next = Content.of(fromPlain(change(toPlain(content.properties) as N), content.properties));
    return toPlain(member.next.properties) as N;
  }

  async delete<N extends object>(rule: EntityRule<object, N>, into: Key): Promise<boolean> {
    const member = await this.#member(rule, into);
    if (!contentOf(member)) return false;
    member.next = null;
    return true;
  }

  async #member(rule: EntityRule, into: Key): Promise<Member> {
    const name = into.toString();
    const known = this.#members.get(name);
    if (known) return known;
    if (!into.root.equals(this.#root)) throw new RangeError(`${into} is not of the group ${this.#root}.`);
    const member = { look: await this.#look(rule, into) };
    this.#members.set(name, member);
    return member;
  }

  /** T first, then S while T is held: that is all that a replacement of T needs (rule 2). */
  async #look(rule: EntityRule, into: Key): Promise<Look> {
    const at = moment(this.#writing.clock);
    const [T] = await this.#store.read([into]);
    const held = hold(T);
    const from = held?.slot?.side === 'T' ? Key.parse(held.slot.peer) : undefined;
    const [S] = from ? await this.#store.read([from]) : [];
    const keys = { S: from ?? into, T: into };
    const found = lookOf(keys, [from ? S : undefined, T], { rule }, at, true);
    if (!held || isOwner(found.T)) return found;
    throw new HandoverError('group.gathering', `${into} is ${held.slot!.role}.`, { key: into.toString() });
  }

  /** `changed`: something of it has, meanwhile. `busy`: the store had no room for it. Either way nothing was written. */
  async commit(group: Stored<'group'>): Promise<'done' | 'changed' | 'busy'> {
    const members = [...this.#members.values()];
    if (members.every(({ next }) => next === undefined)) return (await this.#stands(members)) ? 'done' : 'changed';
    // A tombstone is left for a sweep to clear: not on an old look, after which there may be no sweep any more.
    if (members.some((member) => buries(member) && this.#isOld(member))) return 'changed';
    // What was only read is written as it was: so that nothing of what was decided on can change under the commit.
    const unit = members.flatMap((member) => this.#mutationOf(member));
    const absent = members.filter(({ look }) => !look.T);
    if (!(await isStill(this.#store, group)) || !(await this.#stands(absent))) return 'changed';
    for (let attempt = 0; attempt < LIMITS.routerAttempts; attempt++) {
      const [outcome] = await this.#store.commitTogether([unit], guardOn(this.#store, group.key, group.version));
      if (outcome!.status === 'refused') throw new HandoverError(outcome!.code, outcome!.cause);
      if (outcome!.status === 'applied') return 'done';
      if (outcome!.status !== 'unknown' && attempt === 0) return outcome!.status === 'busy' ? 'busy' : 'changed';
      // An earlier answer was lost: whatever this one says, that commit may have been applied.
      if (outcome!.status !== 'unknown' || !(await this.#stands(members))) return this.#settle(members);
    }
    throw this.#unknown();
  }

  #mutationOf({ look, next }: Member): Mutation[] {
    if (!look.T) return [];
    if (next === null && !buries({ look, next })) return [removal(look, 'T')];
    // What was only read is written as it was: a tombstone as a tombstone.
    const content = next === undefined && roleOf(look.T) === 'O' ? look.T.content : (next ?? undefined);
    // An entity without a slot tells no old key, so none can be written: it stays without.
    if (!look.T.slot && content) return [{ op: 'update', key: look.keys.T, version: look.T.version, content }];
    return [ownerAt(look, 'T', content, this.#writing)];
  }

  #isOld({ look }: Member): boolean {
    return elapsed(this.#writing.clock, look.at) > LIMITS.actWithinMs;
  }

  /** Whether all that was read is still there as it was, at one moment where the store can say so. */
  async #stands(members: readonly Member[]): Promise<boolean> {
    const keys = members.map(({ look }) => look.keys.T);
    const together = this.#store.capabilities.snapshotReads;
    const found = await (together ? this.#store.readTogether(keys) : this.#store.read(keys));
    return members.every(({ look }, i) => found[i]?.version === look.T?.version);
  }

  /** All or nothing: one record that bears the nonce tells that all were written. */
  async #settle(members: readonly Member[]): Promise<'done'> {
    const found = await this.#store.read(members.map(({ look }) => look.keys.T));
    if (found.some((entity) => hold(entity)?.slot?.nonce === this.#writing.nonce)) return 'done';
    throw this.#unknown();
  }

  #unknown(): HandoverError {
    const key = this.#root.toString();
    return new HandoverError('store.unknown', `A transaction of ${key}.`, { key });
  }
}

/** A delete where a frozen content would be the truth again, if nothing were left. */
const buries = ({ look, next }: Member): boolean => next === null && roleOf(look.S) === 'C';

const isOwner = (held: Held | undefined) => roleOf(held) === 'O' || roleOf(held) === 'X';

function contentOf({ look, next }: Member): Content | undefined {
  if (next !== undefined) return next ?? undefined;
  return roleOf(look.T) === 'O' ? look.T!.content : undefined;
}
