import type { Migration } from '../define/migration.ts';
import { HandoverError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import { sweepName } from './campaigns.ts';
import type { Claim } from './claim.ts';
import { attempts, documentKey, load, save } from './documents.ts';
import { Fence, Fenced, sameSweep } from './fence.ts';
import type { Taking } from './invariantSchema.ts';
import { takeBaseline, takeInvariants } from './invariantTaking.ts';
import { metered } from './metered.ts';
import { turnsOf } from './pace.ts';
import type { CampaignDocument } from './schemas.ts';
import { uniform } from './targets.ts';
import { awaitTask, type TaskHand } from './task.ts';

/**
 * What workers do with a campaign's invariants. They are taken when a sweep has proved that every record rests, before
 * anything follows from that, by one worker (see `tryTask`); whoever ends the sweep goes by what it found itself. All of it
 * is under the fence: a command in between makes it worthless, and nothing is written of it.
 */
export const hasInvariants = ({ invariants }: Migration): boolean => invariants.length > 0;

/** The lanes of a worker that end a sweep at one moment take its invariants once between them. */
export class AtRest {
  #underWay: { readonly name: string; readonly taking: Promise<Taking> } | undefined;

  /** Undefined where there are none. Throws `Fenced`. */
  async take(taker: TaskHand): Promise<Taking | undefined> {
    if (!hasInvariants(taker.migration)) return undefined;
    const name = sweepName(taker.look.campaign.value);
    if (this.#underWay?.name === name) return this.#underWay.taking;
    const taking = takeAtRest(taker);
    this.#underWay = { name, taking };
    // Who comes later has another look at the campaign, and takes them under that one.
    const forget = () => {
      if (this.#underWay?.taking === taking) this.#underWay = undefined;
    };
    taking.then(forget, forget);
    return taking;
  }
}

/** Takes them and writes down what was found. */
async function takeAtRest(hand: TaskHand): Promise<Taking> {
  const { clock, signal } = hand;
  const { claim, look } = await awaitTask(hand, 'totals');
  const taker = { ...hand, look };
  const { fence, options } = underFence(taker, claim);
  const taking = await takeInvariants(options, look.campaign.value);
  const key = keyOf(look.campaign.value);
  return attempts(clock, key, signal, async () => {
    const before = await load(taker.store, 'invariants', key);
    await fence.renew();
    fence.check();
    const saved = await save<'invariants'>(taker.store, key, { v: 1, ...taking }, before?.version, fence.guard);
    if (saved.status === 'fenced') throw new Fenced();
    return saved.status === 'applied' ? { done: taking } : saved;
  });
}

/** Writes down what a campaign began with, once, before any of its records is moved. Throws `Fenced`. */
export async function noteBaseline(hand: TaskHand): Promise<void> {
  const { store, clock, migration, signal } = hand;
  if (!migration.invariants.some(({ must }) => must === 'stay')) return;
  const { id } = hand.look.campaign.value;
  const key = documentKey('baseline', id, 'start');
  if (await load(store, 'baseline', key)) return;
  const { claim, look } = await awaitTask(hand, 'baseline');
  if (await load(store, 'baseline', key)) return;
  const { fence, options } = underFence({ ...hand, look }, claim);
  const at = clock.now();
  const totals = await takeBaseline(options, id);
  await attempts(clock, key, signal, async () => {
    if (await load(store, 'baseline', key)) return { done: undefined };
    await fence.renew();
    fence.check();
    const saved = await save<'baseline'>(store, key, { v: 1, at, totals }, undefined, fence.guard);
    if (saved.status === 'fenced') throw new Fenced();
    return saved.status === 'applied' ? { done: undefined } : saved;
  });
}

/** A pass waits for its turn as a page does, and ends when the campaign goes on. */
function underFence({ store, clock, worker, migration, look, signal, pacer }: TaskHand, claim: Claim) {
  const started = look.campaign.value;
  pacer.follow(started);
  const turns = turnsOf({ pacer, claim, clock, signal });
  const fence = Fence.by(look, { store, clock, turns, still: (now) => sameSweep(now, started) });
  const turn = async () => {
    if (signal.aborted) throw new Fenced();
    await fence.renew();
  };
  const counted = metered(store, (operations) => pacer.count(operations));
  return { fence, options: { store: counted, clock, migration, by: worker, signal, turn } };
}

const keyOf = ({ id }: CampaignDocument) => documentKey('invariants', id, 'last');

/** What was found last; undefined where nothing was yet. */
export async function lastTaking(store: Store, campaign: CampaignDocument): Promise<Taking | undefined> {
  const found = (await load(store, 'invariants', keyOf(campaign)))?.value;
  if (!found || found.generation < (campaign.versionSince ?? 0)) return undefined;
  const { v: _, ...taking } = found;
  return taking;
}

/** What a finished sweep must not do: nothing, where records are on their way home. That is never held up. */
export function heldUpBy(
  taking: Taking | undefined,
  { targets, stage }: CampaignDocument,
): 'broken' | 'unsettled' | undefined {
  if (!taking || taking.state === 'held' || uniform(targets) === 'home') return undefined;
  if (taking.state === 'broken') return 'broken';
  // What goes now does not come back: rather another look.
  return stage === 'completing' ? 'unsettled' : undefined;
}

/**
 * Before records are sent on. Throws `invariant.broken` while what was found last is so, and `gate.closed` where
 * nothing was found since the last command although something must be.
 */
export async function checkInvariants(
  store: Store,
  migration: Migration,
  campaign: CampaignDocument,
  needed: 'must have held' | 'must not be broken',
): Promise<void> {
  if (!hasInvariants(migration)) return;
  const last = await lastTaking(store, campaign);
  if (last?.state === 'broken') {
    const broken = last.results.filter(({ state }) => state === 'broken').map(({ name }) => name);
    throw new HandoverError('invariant.broken', `${broken.join(', ')}.`, { broken });
  }
  if (needed === 'must have held' && last?.generation !== campaign.generation)
    throw new HandoverError('gate.closed', 'Not yet: the invariants were not taken since the last command.');
}

/** What compares the old homes with the new ones must be able to, before the old ones go. Throws `invariant.early`. */
export function checkStart({ name, invariants }: Migration, to: string): void {
  if (to === 'completed' && invariants.some(({ must }) => must === 'match'))
    throw new HandoverError('invariant.early', `${name} compares its old homes with the new ones.`, {
      migration: name,
    });
}
