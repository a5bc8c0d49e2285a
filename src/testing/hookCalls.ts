import { AFTER_HOOKS, BEFORE_HOOKS, type Hook, type HookName, type Hooks } from '../define/hooks.ts';
import type { Migration } from '../define/migration.ts';
import { decode, KINDS } from '../engine/documents.ts';
import { hookKey } from '../engine/hooks.ts';
import { hooksBefore } from '../engine/hooksDue.ts';
import type { CampaignDocument, GroupDocument } from '../engine/schemas.ts';
import type { Key } from '../record/key.ts';
import type { Entity } from '../store/store.ts';
import type { Choices } from './choices.ts';
import { Violation } from './watch.ts';

interface Eyes {
  readonly choices: Choices;
  /** Whether hooks fail now and then. */
  readonly isStormy: () => boolean;
  readonly tell: (line: string) => void;
  readonly has: (key: Key) => boolean;
}

/**
 * The hooks of a simulated migration: what each was called about, and whether it was done. Looks at what is stored, too:
 * - nothing is called whose intent is not stored
 * - no command takes effect before the hooks that it waits for are done, and no campaign closes before the one that follows
 * - a group is not said to have been told of before it was
 */
export class HookCalls {
  readonly #eyes: Eyes;
  /** The idempotency keys of what was done, once or more. */
  readonly #done = new Set<string>();
  readonly #campaigns = new Map<string, CampaignDocument>();
  readonly #groups = new Map<string, GroupDocument>();

  #wrong: Violation | undefined;

  constructor(eyes: Eyes) {
    this.#eyes = eyes;
  }

  /** The migration with all the hooks that it may have, as one process has them. */
  hooked(migration: Migration, process: string): Migration {
    const names: readonly HookName[] = [...BEFORE_HOOKS, ...AFTER_HOOKS];
    const all = migration.by === 'group' ? [...names, 'onGroupWhole' as const] : names;
    const hooks: Hooks = Object.fromEntries(all.map((name) => [name, this.#hook(name, process)]));
    return { ...migration, hooks };
  }

  /** One that may fail before it has done anything, or after. */
  #hook(name: HookName, process: string): Hook {
    return async ({ idempotencyKey, campaign }) => {
      if (!this.#eyes.has(hookKey(campaign, idempotencyKey)))
        this.#note(`${process} calls ${idempotencyKey}, and nobody would know of it`);
      const [before, after] = [this.#fails(), this.#fails()];
      if (!before) this.#done.add(idempotencyKey);
      const how = before ? 'fails' : after ? 'fails when it is done' : 'is done';
      this.#eyes.tell(`${process} calls ${name} (${idempotencyKey}): it ${how}`);
      if (before || after) throw new Error('not now');
    };
  }

  #fails = (): boolean => this.#eyes.isStormy() && this.#eyes.choices.happens(200);

  /** Throws what was found to be wrong. */
  check(): void {
    if (this.#wrong) throw this.#wrong;
  }

  /** What somebody has just written, if it is of concern. */
  look(migration: Migration, entity: Entity): void {
    const { kind } = entity.key.path.at(-1)!;
    if (kind === KINDS.campaign) this.#lookAtCampaign(migration, decode('campaign', entity).value);
    if (kind === KINDS.group) this.#lookAtGroup(entity);
  }

  #lookAtCampaign(migration: Migration, now: CampaignDocument): void {
    const before = this.#campaigns.get(now.id);
    this.#campaigns.set(now.id, now);
    if (!before) return;
    const waited = now.stage === 'cancelling' ? [] : hooksBefore(migration, before.targets, now.targets);
    for (const hook of waited) this.#expect(`${now.id}.${now.generation}.${hook}`, 'the command has taken effect');
    const { after } = now;
    const follows = after && `${now.id}.${after.generation}.${after.hook}`;
    if (follows && after.done && !before.after?.done) this.#expect(follows, 'it counts as done');
    if (follows && now.closed && !before.closed && after.generation === now.generation)
      this.#expect(follows, 'the campaign has closed');
  }

  #lookAtGroup(entity: Entity): void {
    const name = entity.key.toString();
    const now = decode('group', entity).value;
    const before = this.#groups.get(name);
    this.#groups.set(name, now);
    if (!before?.whole?.due || now.whole?.due !== false || now.state !== 'whole') return;
    const [campaign, group] = entity.key.path.map(({ id }) => id);
    this.#expect(`${campaign}.${group}.whole.${now.whole.times}`, 'nobody is to be told of it any more');
  }

  #expect(key: string, what: string): void {
    if (!this.#done.has(key)) this.#note(`${what}, and ${key} is not done`);
  }

  /** Thrown where it is found out, it would be taken for the failure of a hook, or of a store. */
  #note(why: string): void {
    this.#wrong ??= new Violation('hooks', why);
  }
}
