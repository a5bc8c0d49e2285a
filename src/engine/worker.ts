import type { CampaignEvent } from '../../machines/campaign.ts';
import type { Move } from '../../machines/moves.ts';
import type { Clock } from '../clock.ts';
import type { Migration } from '../define/migration.ts';
import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Entity, Store } from '../store/store.ts';
import { campaignStep } from './decide.ts';
import {
  type CampaignDocument,
  documentKey,
  list,
  load,
  type QuarantineDocument,
  type Stored,
  type SweepDocument,
  updateCampaign,
} from './documents.ts';
import { processGroup } from './group.ts';
import type { Actor } from './moves.ts';
import { add, type Counts, processPage } from './page.ts';
import type { Pair } from './pair.ts';
import { countQuarantined } from './quarantine.ts';
import { checkpoint, claimRange, currentSweep, forgetOldSweeps, isClean, progressOf, remaining } from './sweep.ts';
import { targetAt, uniform } from './targets.ts';

/** What the worker tells about its work: for logs and progress. Nothing of it decides anything. */
export interface WorkerEvents {
  moved?(campaign: string, type: Move['type'], count: number): void;
  /** A page is done and checkpointed; `records` is how many were seen. */
  paged?(campaign: string, records: number): void;
  swept?(campaign: CampaignDocument, counts: Counts, clean: boolean): void;
  /** A record cannot be moved, and was not listed before. */
  quarantined?(entry: QuarantineDocument): void;
  paused?(campaign: string, because: string): void;
  /** This worker has not the definition that the campaign was started with; told once. */
  refused?(campaign: CampaignDocument): void;
  /** The store did not answer; the worker will look again. */
  faltered?(error: HandoverError): void;
}

export interface WorkerOptions {
  readonly store: Store;
  readonly migrations: readonly Migration[];
  readonly clock: Clock;
  readonly events?: WorkerEvents;
  /** Letters and digits. Default: a fresh one. */
  readonly id?: string;
}

/**
 * One worker: looks for open campaigns, takes a range, brings its pages to their targets, checkpoints, and advances the
 * campaign when a sweep is done. Any number of workers in any number of processes may run; none knows of another, and
 * each may die at any step. There is no recovery: a worker that starts just looks.
 */
export class Worker {
  readonly id: string;
  readonly #options: WorkerOptions;
  /** Generations in which the new homes turned out to be filled already. */
  readonly #filled = new Set<string>();
  readonly #refused = new Set<string>();

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.id = options.id ?? `w${options.clock.id(4)}`;
  }

  /** Works until the signal aborts; a page under way is finished first. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      const worked = await this.#stepAll(signal);
      if (!worked) await clock.sleep(LIMITS.idleMs, signal);
    }
  }

  async #stepOrFalter(campaign: CampaignDocument, signal: AbortSignal): Promise<boolean> {
    try {
      return await this.step(campaign, signal);
    } catch (error) {
      if (!(error instanceof HandoverError) || error.code !== 'store.unknown') throw error;
      this.#options.events?.faltered?.(error);
      return false;
    }
  }

  /** A store that does not answer is no reason to die: nothing is known, so look again a little later. */
  async #stepAll(signal: AbortSignal): Promise<boolean> {
    const { store, events } = this.#options;
    let worked = false;
    try {
      for await (const { value } of list(store, 'campaign')) {
        worked = (await this.#stepOrFalter(value, signal)) || worked;
      }
    } catch (error) {
      if (!(error instanceof HandoverError) || error.code !== 'store.unknown') throw error;
      events?.faltered?.(error);
      return false;
    }
    return worked;
  }

  /**
   * Works on one campaign as long as there is something to do for it; false when there was nothing. Several lanes take
   * a range each, so that the store's round trips overlap and its commits can be shared. A lane that finds nothing waits
   * while another works: that one may be about to open the next sweep, or the new homes.
   */
  async step({ id }: Pick<CampaignDocument, 'id'>, signal: AbortSignal): Promise<boolean> {
    const { store, clock } = this.#options;
    const key = documentKey('campaign', id);
    let working = 0;
    let worked = false;
    const run = async (lane: number): Promise<void> => {
      do {
        const campaign = await load(store, 'campaign', key);
        if (!campaign || signal.aborted) return;
        working++;
        const found = await this.#advance(campaign.value, signal, lane).finally(() => working--);
        if (found) worked = true;
        else if (working > 0) await clock.sleep(LIMITS.laneIdleMs, signal);
        else return;
      } while (!signal.aborted);
    };
    const lanes = await Promise.allSettled(Array.from({ length: LIMITS.lanes }, (_, lane) => run(lane)));
    const failed = lanes.find((lane) => lane.status === 'rejected');
    if (failed) throw failed.reason;
    return worked;
  }

  /** Takes one campaign one range further. False when there is nothing to do for it just now. */
  async #advance(campaign: CampaignDocument, signal: AbortSignal, lane: number): Promise<boolean> {
    const { store, clock } = this.#options;
    const migration = this.#migrationOf(campaign);
    if (campaign.closed || campaign.stage === 'draft' || campaign.run === 'paused') return false;
    if (!migration) return this.#refuse(campaign);
    if (campaign.settledAt !== undefined) return this.#sweepAgain(campaign);
    const sweep = await currentSweep(store, migration, campaign, clock.now());
    const progress = await progressOf(store, campaign, sweep);
    if (progress.done || (progress.oldHomesDone && this.#isHopeless(campaign, migration, progress.counts))) {
      return this.#finish(campaign, progress.counts);
    }
    const claimed = await claimRange(store, campaign, sweep, progress, `${this.id}.${lane}`, clock.now());
    if (claimed === 'busy') return false;
    await this.#workOn(campaign, migration, sweep.ranges[claimed.index]!, claimed.stored, signal);
    return true;
  }

  /** Says once that this worker cannot work on a campaign: it has another definition of its migration, or none. */
  #refuse(campaign: CampaignDocument): false {
    if (!this.#refused.has(campaign.id)) this.#options.events?.refused?.(campaign);
    this.#refused.add(campaign.id);
    return false;
  }

  /** A campaign is only worked on under the very definition it was started with. */
  #migrationOf({ migration, definition }: CampaignDocument): Migration | undefined {
    return this.#options.migrations.find(({ name, fingerprint }) => name === migration && fingerprint === definition);
  }

  /** A first sweep of the old homes that moved much will be followed by another: new homes can wait for that one. */
  #isHopeless(campaign: CampaignDocument, migration: Migration, counts: Counts): boolean {
    return campaign.sweep === 1 && migration.by === 'record' && !isClean(campaign, counts);
  }

  async #workOn(
    started: CampaignDocument,
    migration: Migration,
    range: SweepDocument['ranges'][number],
    claimed: Stored<'range'>,
    signal: AbortSignal,
  ): Promise<void> {
    const { store, clock, events } = this.#options;
    const claimant = claimed.value.claim!.by;
    let cursor = claimed.value.cursor;
    let saved: Promise<Stored<'range'> | undefined> = Promise.resolve(claimed);
    let savedAt = clock.now();
    let counted: Counts = {};
    for (let more = true; more && !signal.aborted; ) {
      const campaign = (await load(store, 'campaign', documentKey('campaign', started.id)))?.value;
      if (!campaign || !sameSweep(campaign, started)) break;
      const found = await store.scan(remaining(migration, range, cursor), LIMITS.pageSize);
      const { counts, newlyQuarantined } = await this.#process(campaign, migration, range, found.entities);
      if (newlyQuarantined > 0) await this.#checkBudget(campaign, migration);
      for (const [name, n] of Object.entries(counts)) add(counted, name, n);
      events?.paged?.(campaign.id, counts.seen ?? 0);
      const last = found.entities[found.entities.length - 1]?.key;
      cursor = last?.toString() ?? cursor;
      more = found.more;
      if (more && clock.now() - savedAt < LIMITS.checkpointMs) continue;
      const before = await saved;
      if (!before) return;
      // Issued after its pages are done, never before: a checkpoint ahead of a crash would skip records. It is awaited
      // only before the next one, so that it travels with the next page's moves.
      savedAt = clock.now();
      saved = checkpoint(store, before, { cursor, done: !more, counts: counted }, claimant, savedAt);
      // Awaited above or below; a failure in between must not go unnoticed by the one and kill the process by the other.
      saved.catch(() => undefined);
      counted = {};
    }
    await saved;
  }

  async #process(
    campaign: CampaignDocument,
    migration: Migration,
    range: SweepDocument['ranges'][number],
    entities: readonly Entity[],
  ): Promise<{ counts: Counts; newlyQuarantined: number }> {
    const { store, clock, events } = this.#options;
    const actor: Actor = { campaign: campaign.id, worker: this.id, now: () => clock.now() };
    const onMoves = (type: Move['type'], count: number) => events?.moved?.(campaign.id, type, count);
    const onQuarantined = (entry: QuarantineDocument) => events?.quarantined?.(entry);
    const byGroup = migration.by === 'group';
    if (byGroup && range.home === 'T') return this.#processGroups(campaign, migration, actor, entities);
    const generation = `${campaign.id} ${campaign.generation}`;
    const result = await processPage(entities, {
      store,
      actor,
      onMoves,
      onQuarantined,
      rule: migration.records[range.rule]!,
      ruleIndex: range.rule,
      home: range.home,
      onlyCopy: byGroup,
      allTo: uniform(campaign.targets),
      optimistic: !this.#filled.has(generation),
      targetOf: (keys: Pair['keys']) => targetAt(campaign.targets, byGroup ? keys.T.root : keys.S),
    });
    if (result.missed * 10 > result.guessed) this.#filled.add(generation);
    return result;
  }

  async #processGroups(
    campaign: CampaignDocument,
    migration: Migration,
    actor: Actor,
    entities: readonly Entity[],
  ): Promise<{ counts: Counts; newlyQuarantined: number }> {
    const { store, events } = this.#options;
    const onMoves = (type: Move['type'], count: number) => events?.moved?.(campaign.id, type, count);
    const onQuarantined = (entry: QuarantineDocument) => events?.quarantined?.(entry);
    const context = { store, migration, campaign, page: { store, actor, onMoves, onQuarantined } };
    const counts: Counts = {};
    let newlyQuarantined = 0;
    const roots = new Map(entities.map(({ key }) => [key.root.toString(), key.root]));
    for (const root of roots.values()) {
      const result = await processGroup(context, root, targetAt(campaign.targets, root));
      for (const [name, n] of Object.entries(result?.counts ?? {})) add(counts, name, n);
      newlyQuarantined += result?.newlyQuarantined ?? 0;
    }
    return { counts, newlyQuarantined };
  }

  /** Ends a sweep: the campaign comes to rest, or the next sweep begins. Whoever is first does it, by compare-and-set. */
  async #finish(campaign: CampaignDocument, counts: Counts): Promise<boolean> {
    const { store, clock, events } = this.#options;
    let clean = false;
    let first = false;
    const after = await updateCampaign(store, campaign.id, async (current) => {
      first = sameSweep(current, campaign);
      if (!first) return undefined;
      clean = isClean(current, counts);
      const { generation, sweep } = current;
      const lastSweep = { generation, sweep, at: clock.now(), clean, counts };
      if (!clean) return { ...current, lastSweep, sweep: sweep + 1 };
      // Called off, but not all home: it rests open, so that what is quarantined can be retried.
      const leftovers = current.stage === 'cancelling' && (await countQuarantined(store, current.id, 1)) > 0;
      return leftovers
        ? { ...current, lastSweep, settledAt: clock.now() }
        : settle({ ...current, lastSweep }, clock.now());
    });
    if (first) events?.swept?.(after, counts, clean);
    await forgetOldSweeps(store, after);
    return true;
  }

  /** A campaign at rest is looked over now and then: copies go stale, and strangers write where they should not. */
  async #sweepAgain({ id, settledAt, generation, sweep }: CampaignDocument): Promise<boolean> {
    const { store, clock } = this.#options;
    if (clock.now() - settledAt! < LIMITS.restSweepMs) return false;
    await updateCampaign(store, id, (current) => {
      if (current.generation !== generation || current.sweep !== sweep || current.settledAt === undefined)
        return undefined;
      const { settledAt: _, ...rest } = current;
      return { ...rest, sweep: sweep + 1 };
    });
    return true;
  }

  async #checkBudget({ id }: CampaignDocument, { errorBudget }: Migration): Promise<void> {
    const { store, clock, events } = this.#options;
    const count = await countQuarantined(store, id, errorBudget + 1);
    if (count <= errorBudget) return;
    const because = `more than ${errorBudget} records are quarantined`;
    await updateCampaign(store, id, (current) => {
      const step = campaignStep(current, 'budget.exceeded');
      if (!step) return undefined;
      const entry = { at: clock.now(), by: this.id, what: 'pause', reason: because };
      return { ...current, ...step.next, pausedBecause: because, history: [...current.history, entry] };
    });
    events?.paused?.(id, because);
  }
}

const sameSweep = (a: CampaignDocument, b: CampaignDocument): boolean =>
  a.generation === b.generation && a.sweep === b.sweep && a.run === 'running' && !a.closed && a.settledAt === undefined;

/** Every record rests at its target: what that means for the campaign is the machine's to say. */
function settle(campaign: CampaignDocument, now: number): CampaignDocument {
  const step = campaignStep({ stage: campaign.stage, run: campaign.run }, settledEvent(campaign));
  const effects = step?.effects ?? [];
  return {
    ...campaign,
    ...step?.next,
    settledAt: now,
    switchGateOpen: campaign.switchGateOpen || effects.some(({ type }) => type === 'openSwitchGate'),
    closed: effects.some(({ type }) => type === 'close'),
  };
}

function settledEvent({ targets }: CampaignDocument): CampaignEvent['type'] {
  if (uniform(targets)) return 'sweep.settled';
  const away = targets.some(({ target }) => target === 'switched' || target === 'completed');
  return away ? 'sweep.settledPartlySwitched' : 'sweep.settledPartlyCopied';
}
