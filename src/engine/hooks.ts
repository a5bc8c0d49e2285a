import type { Clock } from '../clock.ts';
import type { HookName } from '../define/hooks.ts';
import type { Migration } from '../define/migration.ts';
import { messageOf } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Key } from '../record/key.ts';
import type { Guard, Store } from '../store/store.ts';
import { pauseOverHook } from './campaign.ts';
import { attempts, documentKey, load, nameOfText, type Stored, save } from './documents.ts';
import type { CampaignDocument, HookDocument } from './schemas.ts';
import type { WorkerEvents } from './worker.ts';

/**
 * Calls of the author's functions, journaled like whatever is asked of others:
 *
 * 1. The intent is stored before the call, under the campaign that it is due in: nothing is called that nobody knows of.
 * 2. Every call about one thing has one idempotency key: it may have been done although nobody lived to say so.
 * 3. Of several workers one calls. It has until its deadline; after that it counts as dead, and somebody else calls.
 * 4. The outcome is stored whatever became of the campaign since: it is a fact. What follows from it is decided elsewhere.
 */
export interface HookHand {
  readonly store: Store;
  readonly clock: Clock;
  readonly worker: string;
  readonly migration: Migration;
  /** In which the hook was seen to be due, */
  readonly campaign: CampaignDocument;
  /** and what names that look to a store that takes guards. */
  readonly guard: Guard | undefined;
  /** Whether it is due still, as the campaign is now. */
  readonly still: (now: CampaignDocument) => boolean;
  readonly events: WorkerEvents;
  readonly signal: AbortSignal;
}

export interface DueHook {
  readonly hook: HookName;
  readonly idempotencyKey: string;
  readonly group?: Key;
}

/** Calls it, unless that was done or is another one's just now. `waits`: it is not done yet. */
export async function carryOut(hand: HookHand, due: DueHook): Promise<'done' | 'waits'> {
  const { store, clock, worker, migration, campaign } = hand;
  const key = hookKey(campaign.id, due.idempotencyKey);
  const stored = await load(store, 'hook', key);
  const before = stored?.value;
  if (before?.state === 'done') return 'done';
  // Another process may have it: a definition may be deployed with its hooks corrected.
  if (!migration.hooks[due.hook]) return 'waits';
  const round = campaign.hookRound ?? 0;
  const now = clock.now();
  const anew = before?.round !== round;
  if (before && now < before.until && !(anew && before.state === 'failed')) return 'waits';
  const tries = anew ? 0 : before!.tries;
  if (before && tries >= LIMITS.hookAttempts) return giveUp(hand, before);
  const intent: HookDocument = {
    v: 1,
    key: due.idempotencyKey,
    hook: due.hook,
    state: 'running',
    attempt: (before?.attempt ?? 0) + 1,
    tries: tries + 1,
    round,
    call: clock.id(),
    by: worker,
    at: now,
    until: now + LIMITS.hookMs + LIMITS.hookLateMs,
  };
  if (!(await isBegun(hand, key, intent, stored))) return 'waits';
  // Where the store takes no guards a command may have come in between; and an answer that was lost says nothing of when.
  if (!(await isStillDue(hand))) {
    await noted(hand, key, intent, { cause: 'it was not called: the campaign went on', counts: false });
    return 'waits';
  }
  const failure = await called(hand, due, intent);
  await noted(hand, key, intent, failure);
  const { cause } = failure ?? {};
  const facts = { campaign: campaign.id, hook: due.hook, key: due.idempotencyKey, attempt: intent.attempt };
  hand.events.hooked?.({ ...facts, ...(cause === undefined ? {} : { cause }) });
  if (!failure) return 'done';
  if (failure.counts && intent.tries >= LIMITS.hookAttempts)
    await giveUp(hand, { ...intent, state: 'failed', cause: failure.cause });
  return 'waits';
}

export const hookKey = (campaign: string, idempotencyKey: string): Key =>
  documentKey('hook', campaign, nameOfText(idempotencyKey));

/** Whether this very attempt is the one that is stored. */
async function isBegun(
  { store, guard }: HookHand,
  key: Key,
  intent: HookDocument,
  before: Stored<'hook'> | undefined,
): Promise<boolean> {
  const { status } = await save<'hook'>(store, key, intent, before?.version, guard);
  if (status !== 'unknown') return status === 'applied';
  return (await load(store, 'hook', key))?.value.call === intent.call;
}

async function isStillDue({ store, campaign, still }: HookHand): Promise<boolean> {
  const now = await load(store, 'campaign', documentKey('campaign', campaign.id));
  return now !== undefined && still(now.value);
}

interface Failure {
  readonly cause: string;
  /** Whether it is one of the attempts after which the campaign pauses. */
  readonly counts: boolean;
}

/** Undefined where it was done. One that takes no notice of its signal is left to itself at the deadline. */
async function called(
  { clock, migration, campaign, signal }: HookHand,
  { hook, idempotencyKey, group }: DueHook,
  { attempt }: HookDocument,
): Promise<Failure | undefined> {
  const late = new AbortController();
  const over = new AbortController();
  const facts = { idempotencyKey, campaign: campaign.id, migration: migration.name, attempt };
  const own = AbortSignal.any([signal, late.signal]);
  const call = async () => migration.hooks[hook]!({ ...facts, ...(group ? { group } : {}), signal: own });
  const working = call().then(
    () => undefined,
    // An attempt that the end of its process has cut short says nothing of the hook.
    (error: unknown) => ({ cause: messageOf(error), counts: !signal.aborted }),
  );
  const deadline = clock.sleep(LIMITS.hookMs, over.signal).then(() => {
    const cause = `it took longer than ${LIMITS.hookMs / 1000} seconds`;
    if (!over.signal.aborted) late.abort(new Error(cause));
    return { cause, counts: true };
  });
  try {
    return await Promise.race([working, deadline]);
  } finally {
    over.abort();
  }
}

/** Who called late, and did it, says so; of a failure only the last one speaks. */
async function noted({ store, clock }: HookHand, key: Key, intent: HookDocument, failure: Failure | undefined) {
  await attempts(clock, key, undefined, async () => {
    const stored = await load(store, 'hook', key);
    if (!stored || stored.value.state === 'done') return { done: undefined };
    if (failure && stored.value.call !== intent.call) return { done: undefined };
    const saved = await save<'hook'>(store, key, outcomeOf(stored.value, failure, clock.now()), stored.version);
    return saved.status === 'applied' ? { done: undefined } : saved;
  });
}

function outcomeOf(document: HookDocument, failure: Failure | undefined, now: number): HookDocument {
  const { cause: _, ...kept } = document;
  if (!failure) return { ...kept, state: 'done', at: now, until: now };
  const tries = failure.counts ? kept.tries : kept.tries - 1;
  const pauseMs = Math.min(LIMITS.hookPauseMs * 2 ** (kept.tries - 1), LIMITS.hookPauseMostMs);
  const cause = failure.cause.slice(0, LIMITS.hookErrorCharacters);
  return { ...kept, tries, state: 'failed', cause, at: now, until: failure.counts ? now + pauseMs : now };
}

/** The campaign pauses, and a person looks. Whoever comes by finds the same: a crash before it changes nothing. */
async function giveUp(hand: HookHand, { hook, key, attempt, cause }: HookDocument): Promise<'waits'> {
  const { store, clock, worker, campaign, events, migration } = hand;
  const why = (cause ?? 'whoever called it died, each time').slice(0, LIMITS.hookErrorCharacters);
  const because = `hook ${hook} (${key}) failed in attempt ${attempt}: ${why}`;
  const paused = await pauseOverHook({ store, clock, by: worker }, campaign, hand.still, because);
  if (paused) events.paused?.(campaign.id, paused.because, { migration: migration.name, command: paused.command });
  return 'waits';
}
