import { type Clock, systemClock } from '../clock.ts';
import type { FieldRule } from '../define/field.ts';
import type { Migration } from '../define/migration.ts';
import { Fence } from '../engine/fence.ts';
import {
  type FieldHeld,
  fieldStateOf,
  HOLDERS,
  type Holder,
  holdField,
  markOf,
  partOf,
  withParts,
} from '../engine/field.ts';
import { type FieldWay, type FieldWrite, wayTo } from '../engine/fieldMoves.ts';
import { batches, readAll } from '../engine/looks.ts';
import type { CampaignDocument } from '../engine/schemas.ts';
import { targetAt, uniform } from '../engine/targets.ts';
import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { Content } from '../record/content.ts';
import type { Key } from '../record/key.ts';
import { fromPlain, toPlain } from '../record/plain.ts';
import { encodeSlot } from '../record/slot.ts';
import type { Entity, Mutation, Store, Version } from '../store/store.ts';
import { mayMove, newestCampaign } from './campaign.ts';
import type { RouterEvents } from './events.ts';
import type { Shape } from './shape.ts';
import { busyPauseMs } from './writes.ts';

export interface FieldRouterOptions<N extends object, O extends object> {
  readonly store: Store;
  /** The rule of the migration that rewrites these records. */
  readonly rule: FieldRule<O, N>;
  readonly clock?: Clock;
  /** Looks at the migration's newest campaign, and does what that wants. Default: it knows of none. */
  readonly migrate?: FieldMigrateOptions;
  /** What fails beside a call, which has its answer. */
  readonly events?: Pick<RouterEvents, 'faltered' | 'moved'>;
}

/** Records that are used are changed at once, by whoever uses them. */
export interface FieldMigrateOptions {
  /**
   * `insert`: new records are as the campaign wants them, so that none is made with old properties once it completes.
   * `write`: besides, a record is brought to where it is wanted after each write. `read`: after each read, too.
   */
  readonly on: 'insert' | 'write' | 'read';
  readonly migration: Migration;
}

type Tools = Pick<FieldRouterOptions<object, object>, 'store' | 'rule' | 'migrate' | 'events'> & {
  readonly clock: Clock;
};

/**
 * What an application reads and writes records through whose properties give way to others in place: whole records, with
 * the new properties and without the old ones. A write keeps both properties where both stand, in one compare-and-set, so
 * that old instances, which know nothing of this, read what was written; and what they write is read here.
 */
class FieldRecords<R extends object> {
  readonly #tools: Tools;
  readonly #shape: Shape;

  protected constructor(tools: Tools, shape: Shape) {
    this.#tools = tools;
    this.#shape = shape;
  }

  /** The record, or undefined when there is none. Throws `record.split` where nobody can tell which property is right. */
  async get(key: Key): Promise<R | undefined> {
    const [record] = await this.getMany([key]);
    return record;
  }

  /** As many `get`s, in their order. */
  async getMany(keys: readonly Key[]): Promise<(R | undefined)[]> {
    const { store } = this.#tools;
    const found = await readAll(store, keys);
    const seen = found.map((entity) => entity && this.#seen(holdField(this.#tools.rule, entity)));
    if (this.#tools.migrate?.on === 'read') await this.#moveOn(found.filter((entity) => entity !== undefined));
    return seen.map((content) => content && (toPlain(content.properties) as R));
  }

  /**
   * Replaces the record by what `change` makes of it; `change` is called again when somebody else was faster. Resolves
   * with what was written, or undefined when there is no record.
   */
  async update(key: Key, change: (record: R) => R): Promise<R | undefined> {
    return this.#write(key, (now) => now && { write: change(now) });
  }

  /** Writes the record, whether there is one or not. Resolves with what was written. */
  async put(key: Key, record: R): Promise<R> {
    return (await this.#write(key, () => ({ write: record })))!;
  }

  /** Makes a record where there is none. False when there is one: it is left as it is. */
  async insert(key: Key, record: R): Promise<boolean> {
    return (await this.#write(key, (now) => (now ? undefined : { write: record }))) !== undefined;
  }

  /** Deletes the record. True when this call did; false when there was none. */
  async delete(key: Key): Promise<boolean> {
    return (await this.#write(key, (now) => now && 'delete')) !== undefined;
  }

  /** Throws `record.contended`, `store.unknown`, `record.split`, `reverse.missing`, and what the transforms throw. */
  async #write(
    key: Key,
    decide: (now: R | undefined) => { readonly write: R } | 'delete' | undefined,
  ): Promise<R | undefined> {
    const { store, rule, clock } = this.#tools;
    const nonce = clock.id(8);
    let unanswered: { readonly version: Version | undefined } | undefined;
    for (let attempt = 0, busy = 0; attempt < LIMITS.routerAttempts; attempt++) {
      const [entity] = await store.read([key]);
      const held = entity && holdField(rule, entity);
      if (unanswered && held?.slot?.nonce === nonce) return toPlain(this.#seen(held).properties) as R;
      // While the version stands, one more that names it may be sent: at most one of the two can find it. Of what is gone
      // nobody can tell whose delete it was; and "must not exist" may be true again after an insert that was applied.
      if (unanswered && (!held || held.version !== unanswered.version)) throw unknown(key);
      const seen = held && this.#seen(held);
      const wish = decide(seen && (toPlain(seen.properties) as R));
      if (wish === undefined) return undefined;
      const content = wish === 'delete' ? seen! : Content.of(fromPlain(wish.write, seen?.properties));
      const mutation: Mutation =
        wish === 'delete'
          ? { op: 'delete', key, version: held!.version }
          : await this.#replacement(key, held, content, nonce);
      const [outcome] = await store.commit([mutation]);
      const record = toPlain(content.properties) as R;
      if (outcome!.status === 'applied') {
        if (mutation.op !== 'delete' && this.#tools.migrate && this.#tools.migrate.on !== 'insert')
          await this.#moveOn([{ ...mutation, slot: mutation.slot, version: outcome!.version }]);
        return record;
      }
      if (outcome!.status === 'refused') throw new HandoverError(outcome!.code, outcome!.cause);
      if (outcome!.status === 'busy') await clock.sleep(busyPauseMs(busy++));
      if (outcome!.status === 'unknown') unanswered ??= { version: held?.version };
    }
    if (unanswered) throw unknown(key);
    throw new HandoverError('record.contended', `${key} kept changing.`, { key: key.toString() });
  }

  /** In the caller's shape, with all else that the entity says. */
  #seen(held: FieldHeld): Content {
    const { rule, key, old, now } = held;
    const holder = HOLDERS[fieldStateOf(held)];
    if (holder === 'split') throw split(key);
    if (this.#shape === 'old') return withParts(held, holder === 'new' ? backward(rule, key, now!) : old, undefined);
    return withParts(held, undefined, holder === 'old' ? rule.forward(key, old!) : now);
  }

  /** What the entity is to be: both properties where both stand, so that neither is ever behind the other. */
  async #replacement(key: Key, held: FieldHeld | undefined, content: Content, nonce: string): Promise<Mutation> {
    const { rule } = this.#tools;
    const stand = held ? standing(held) : await this.#standingAnew();
    const part = partOf(content, this.#shape === 'new' ? rule.new : rule.old);
    const parts = { old: held?.old, now: held?.now };
    // Where nothing makes old properties of new ones, they stay behind, and the slot goes on saying so.
    let of: string | undefined = held?.slot?.of;
    const behind = this.#shape === 'new' && part && !rule.reversible && stand.old && stand.holder === 'new';
    if (behind) parts.now = part;
    else {
      const old = stand.old && part && this.#shape === 'new' ? backward(rule, key, part) : part;
      parts.old = stand.old ? old : undefined;
      parts.now = stand.new ? (part && this.#shape === 'old' ? rule.forward(key, part) : part) : undefined;
      of = markOf(rule, parts.old, parts.now);
    }
    const { side = stand.old ? 'S' : 'T', campaign = '', seq = 0, journal = [] } = held?.slot ?? {};
    const slot = encodeSlot({ role: 'owner', side, of: of!, peer: '', campaign, seq, nonce, journal });
    const whole = withParts({ rule, content }, parts.old, parts.now);
    return held
      ? { op: 'update', key, version: held.version, content: whole, slot }
      : { op: 'insert', key, content: whole, slot };
  }

  /** Of a new record: both, until a campaign says that one of them is enough. */
  async #standingAnew(): Promise<Standing> {
    const { store, rule, migrate } = this.#tools;
    const campaign = migrate && (await newestCampaign(store, migrate.migration));
    // Of some this and of others that: both, and the sweep makes of it what is wanted.
    const target = campaign && (uniform(campaign.targets) ?? 'switched');
    const old = target !== 'completed' && (rule.reversible || this.#shape === 'old');
    const isOpen = target !== undefined && target !== 'home';
    return { old, new: !old || isOpen || !migrate, holder: old ? 'old' : 'new' };
  }

  /**
   * As a worker would that came by: compare-and-sets under the campaign as it was looked at. What is lost a sweep does. Where
   * nothing is to be moved it costs one look at the campaign.
   */
  async #moveOn(entities: readonly Entity[]): Promise<void> {
    const { store, clock, migrate, events } = this.#tools;
    const { migration } = migrate!;
    try {
      const campaign = await newestCampaign(store, migration);
      if (!campaign || !mayMove(campaign, migration)) return;
      const ways = entities.flatMap((entity) => this.#wayOf(entity, campaign) ?? []);
      if (ways.length === 0) return;
      const still = (now: CampaignDocument) => now.generation === campaign.generation && mayMove(now, migration);
      const fence = await Fence.look(campaign.id, { store, clock, still });
      for (const part of fence ? batches(ways, store.capabilities.maxMutations) : []) {
        fence!.check();
        const outcomes = await store.commit(
          part.map(({ write }) => write),
          fence!.guard,
        );
        part.forEach(({ write, moves }, i) => {
          if (outcomes[i]!.status === 'applied') events?.moved?.(write.key, moves.length);
        });
      }
    } catch (error) {
      events?.faltered?.(error);
    }
  }

  /** Undefined at rest; and where it cannot be moved, which is left for a sweep to say. */
  #wayOf(entity: Entity, { id, targets }: CampaignDocument): (FieldWay & { readonly write: FieldWrite }) | undefined {
    const { store, rule, clock, events } = this.#tools;
    const actor = { campaign: id, worker: 'client', now: () => clock.now() };
    try {
      const way = wayTo(holdField(rule, entity), targetAt(targets, entity.key), actor, store.capabilities);
      return 'write' in way && way.write ? { ...way, write: way.write } : undefined;
    } catch (error) {
      events?.faltered?.(error);
      return undefined;
    }
  }
}

/** Which properties a record has; at least those that hold it. */
interface Standing {
  readonly old: boolean;
  readonly new: boolean;
  readonly holder: Holder;
}

function standing(held: FieldHeld): Standing {
  const holder = HOLDERS[fieldStateOf(held)];
  if (holder === 'split') throw split(held.key);
  const { old, now, slot } = held;
  // Of one that had none of either: where its slot has it, else at home.
  const side = holder === 'neither' ? (slot?.side === 'T' ? 'new' : 'old') : holder;
  return { old: side === 'old' || old !== undefined, new: side === 'new' || now !== undefined, holder: side };
}

function backward(rule: FieldRule, key: Key, now: Content): Content {
  if (rule.reversible) return rule.backward(key, now);
  throw new HandoverError('reverse.missing', `${key} is needed in its old shape, and there is no \`backward\`.`);
}

const split = (key: Key) =>
  new HandoverError('record.split', `Old and new properties of ${key} were both written.`, { key: key.toString() });

const unknown = (key: Key) =>
  new HandoverError('store.unknown', `A write of ${key}: no attempt was answered.`, { key: key.toString() });

/** Records in their new shape, wherever they are on their way. */
export class FieldRouter<N extends object, O extends object = object> extends FieldRecords<N> {
  /** The same in their old shape: for code that is not changed yet. */
  readonly legacy: FieldLegacy<O>;

  /** Throws `definition.invalid` where the migration to look at does not list the rule. */
  constructor({ clock = systemClock, ...options }: FieldRouterOptions<N, O>) {
    const { rule, migrate } = options;
    if (migrate && !migrate.migration.fields.includes(rule))
      throw new HandoverError(
        'definition.invalid',
        `Migration ${migrate.migration.name} does not list the router's rule.`,
      );
    const tools = { ...options, clock };
    super(tools, 'new');
    this.legacy = new FieldLegacy<O>(tools, 'old');
  }
}

/** Records in their old shape. */
export class FieldLegacy<O extends object> extends FieldRecords<O> {}
