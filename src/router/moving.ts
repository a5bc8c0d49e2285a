import { isJoined } from '../../machines/group.ts';
import type { Migration } from '../define/migration.ts';
import { versionUnder } from '../engine/campaigns.ts';
import { nextMove } from '../engine/decide.ts';
import { documentKey, load } from '../engine/documents.ts';
import { Fence, Fenced } from '../engine/fence.ts';
import { targetNow } from '../engine/item.ts';
import { lookAgain } from '../engine/looks.ts';
import { isForeign, type Pair, stateOf } from '../engine/pair.ts';
import { quarantineKey } from '../engine/quarantine.ts';
import { reconcile } from '../engine/reconcile.ts';
import type { CampaignDocument } from '../engine/schemas.ts';
import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { mayMove, newestCampaign, wantedFor } from './campaign.ts';
import type { RouterEvents } from './events.ts';
import type { Look, Tools } from './look.ts';

/** Records that are used are moved at once, by whoever uses them: by the workers' own moves, with the workers' own rules. */
export interface MigrateOptions {
  /** `write`: after each write that was made. `read`: after each read, too. */
  readonly on: 'write' | 'read';
  /** The migration whose campaign says where records are wanted. It must list the router's rule. */
  readonly migration: Migration;
}

/** Takes one record to where its campaign wants it, as a worker would that came by. */
export class Mover {
  readonly #tools: Tools;
  readonly #migration: Migration;
  readonly #events: RouterEvents;

  constructor(tools: Tools, { migration }: MigrateOptions, events: RouterEvents) {
    this.#tools = tools;
    this.#migration = migration;
    this.#events = events;
    if (migration.records.includes(tools.rule)) return;
    throw new HandoverError('definition.invalid', `Migration ${migration.name} does not list the router's rule.`);
  }

  /** What was just read says whether there is anything to do: most often there is not. */
  async afterRead(found: Look): Promise<void> {
    const campaign = await this.#campaign();
    if (campaign && this.#nextOf(campaign, found)) await this.#bring(campaign, found.keys);
  }

  async afterWrite(keys: Look['keys']): Promise<void> {
    const campaign = await this.#campaign();
    if (campaign) await this.#bring(campaign, keys);
  }

  async #campaign(): Promise<CampaignDocument | undefined> {
    const campaign = await newestCampaign(this.#tools.store, this.#migration);
    return campaign && mayMove(campaign, this.#migration) ? campaign : undefined;
  }

  #nextOf(campaign: CampaignDocument, pair: Pair) {
    const found = { ...pair, version: versionUnder(campaign) };
    return nextMove(stateOf(found), targetNow({ pair, ...wantedFor(campaign, this.#migration, pair.keys) }), false);
  }

  /**
   * When the campaign goes on meanwhile, the record is looked at again: a sweep that has just closed it may have passed by
   * what was inserted late, and nobody but its client has it in hand.
   */
  async #bring(campaign: CampaignDocument, keys: Look['keys']): Promise<void> {
    let now: CampaignDocument | undefined = campaign;
    for (let attempt = 0; now && attempt < LIMITS.moverAttempts; attempt++) {
      if ((await this.#move(now, keys)) !== 'fenced') return;
      now = await this.#campaign();
      // Under a newer one its own sweeps have it.
      if (now?.id !== campaign.id) return;
    }
  }

  async #move(campaign: CampaignDocument, keys: Look['keys']): Promise<'fenced' | undefined> {
    const { store, rule, clock } = this.#tools;
    const version = versionUnder(campaign);
    const pair: Pair = { rule, version, scanned: 'S', keys, S: undefined, T: undefined, replaceable: 'neither' };
    await lookAgain([{ pair, target: 'home', moves: 0 }], store);
    const foreign = [pair.S?.slot, pair.T?.slot].some((slot) => slot && isForeign(slot, campaign.id));
    if (foreign || !this.#nextOf(campaign, pair) || (await this.#isHeldBack(campaign, keys))) return undefined;
    const same = (now: CampaignDocument) => now.generation === campaign.generation && mayMove(now, this.#migration);
    const fence = await Fence.look(campaign.id, { store, clock, still: same });
    if (!fence) return 'fenced';
    const item = { pair, ...wantedFor(campaign, this.#migration, keys), moves: 0 };
    const actor = { campaign: campaign.id, worker: 'client', now: () => clock.now() };
    // What cannot be moved is left for a sweep, which sets it aside and says why.
    try {
      await reconcile([item], { store, actor, fence });
      return undefined;
    } catch (error) {
      if (!(error instanceof Fenced)) throw error;
      return 'fenced';
    } finally {
      if (item.moves > 0) this.#events.moved?.(keys.S, item.moves);
    }
  }

  /** Set aside by a sweep; or, by group, of a group that stays at home, which nobody who sees one record may break up. */
  async #isHeldBack({ id, closed }: CampaignDocument, { S, T }: Look['keys']): Promise<boolean> {
    const { store } = this.#tools;
    if (await load(store, 'quarantine', quarantineKey(id, T.root, S))) return true;
    if (this.#migration.by === 'record' || !closed) return false;
    const group = await load(store, 'group', documentKey('group', id, T.root.toString()));
    return group !== undefined && !isJoined(group.value.state);
  }
}
