import { hash } from 'node:crypto';
import type { Fetched, Protocol } from '../define/hub.ts';
import { messageOf } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Side } from './callbacks.ts';
import type { DeliveryDocument, StoredDelivery } from './deliveries.ts';
import { change, type Held, hold, isLive, isSilence } from './held.ts';
import { stateAfter, stateBefore } from './states.ts';
import type { InboxContext } from './storing.ts';

/** What the application is handed. */
export interface Delivery {
  /** The same in every run, and for both URLs: an idempotency key. */
  readonly id: string;
  readonly scope: string;
  readonly topic: string;
  readonly protocol: Protocol;
  /** Where it came in first. */
  readonly subscription: string;
  readonly side: Side;
  readonly signed: boolean;
  readonly receivedAt: number;
  readonly contentType: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Of a feed: the feed with this one entry. */
  readonly body: Uint8Array;
  /** From 1. */
  readonly attempt: number;
}

/** Applies a delivery, once it resolves. The signal: the process is to end, or another worker has taken the delivery. */
export type Handler = (delivery: Delivery, signal: AbortSignal) => Promise<void> | void;

/** What is run on a delivery; `shown`: what stands in for its own bytes. */
export type Run = (
  stored: StoredDelivery,
  shown: Partial<Pick<Delivery, 'body' | 'contentType'>>,
  signal: AbortSignal,
) => Promise<void> | void;

/** How often a run that fails is repeated, and after which pauses: doubled each time. */
export interface Patience {
  readonly attempts: number;
  readonly pauseMs: number;
  readonly pauseMostMs: number;
}

const PATIENCE: Patience = {
  attempts: LIMITS.deliveryAttempts,
  pauseMs: LIMITS.deliveryPauseMs,
  pauseMostMs: LIMITS.deliveryPauseMostMs,
};

/** A run that failed, and is not to be repeated before so many milliseconds. */
export class Postponed extends Error {
  readonly afterMs: number;

  constructor(message: string, afterMs: number) {
    super(message);
    this.afterMs = afterMs;
  }
}

export interface WorkContext extends InboxContext {
  /** What the topic says now, where that can be asked. */
  readonly fetch?: ((delivery: Pick<Delivery, 'scope' | 'topic' | 'subscription'>) => Promise<Fetched>) | undefined;
  readonly patience?: Patience;
  /** Told of each delivery that is given up. */
  readonly onDead?: ((delivery: { readonly id: string; readonly error: string }) => void) | undefined;
}

/** Whether its turn has come, as far as it says itself. */
export const isDue = ({ status, notBefore, claim }: DeliveryDocument, now: number): boolean =>
  status === 'received' && (notBefore === undefined || notBefore <= now) && !isLive(claim, now);

/** Runs one delivery, and where it is a state, those of its topic that waited for it. */
export async function runInOrder(
  context: WorkContext,
  found: StoredDelivery,
  run: Run,
  signal: AbortSignal,
): Promise<void> {
  let next: StoredDelivery | undefined = found;
  try {
    while (next && isDue(next.value, context.clock.now()) && !signal.aborted) {
      if (!(await runOne(context, next, run, signal))) return;
      next = await stateAfter(context, next.value);
    }
  } catch (error) {
    if (!isSilence(error)) throw error;
    // Nothing is lost: the delivery is as it was, or its claim runs out.
    await context.clock.sleep(LIMITS.controlPauseMostMs, signal);
  }
}

/**
 * Runs the handler on one delivery, if it is this worker's to run. After the handler and before the mark a crash leaves
 * it to be run again: at least once, with the same id. Returns whether it is settled by now.
 */
async function runOne(context: WorkContext, found: StoredDelivery, run: Run, signal: AbortSignal): Promise<boolean> {
  const before = (await stateBefore(context, found.value))?.value;
  // States of one topic are applied in their order.
  if (before?.status === 'received') return false;
  const inEffect = before?.state?.inEffect;
  if (found.value.attempts >= (context.patience ?? PATIENCE).attempts) {
    return bury(context, found, found.value.error ?? 'its last run never ended', inEffect);
  }
  const held = await hold(context, found);
  return held !== undefined && runHeld(context, held, inEffect, run, signal);
}

async function runHeld(
  context: WorkContext,
  held: Held,
  inEffect: string | undefined,
  run: Run,
  signal: AbortSignal,
): Promise<boolean> {
  const { stored } = held;
  const ran = await apply(context, stored, inEffect, run, AbortSignal.any([signal, held.lost])).catch(
    (error: unknown) => ({
      error: messageOf(error).slice(0, LIMITS.deliveryErrorCharacters),
      afterMs: error instanceof Postponed ? error.afterMs : 0,
    }),
  );
  await held.release();
  if (!('error' in ran)) return settle(context, stored, ran.told);
  return signal.aborted ? putBack(context, stored) : fail(context, stored, ran, inEffect);
}

/** Returns what a topic's state is after it. One that is in effect already is not applied again, unless a person says so. */
async function apply(
  context: WorkContext,
  stored: StoredDelivery,
  inEffect: string | undefined,
  run: Run,
  signal: AbortSignal,
): Promise<{ readonly told: string | undefined }> {
  const { hash: told, shown } = await contentOf(context, stored);
  const isKnown = told !== undefined && told === inEffect && !stored.value.state?.retried;
  if (!isKnown) await run(stored, shown ?? {}, signal);
  return { told };
}

/** What to apply: of a suspect state, what the topic says now, whatever came. */
async function contentOf(
  { fetch }: WorkContext,
  { value }: StoredDelivery,
): Promise<{ readonly hash?: string | undefined; readonly shown?: Pick<Delivery, 'body' | 'contentType'> }> {
  if (!value.state?.suspect || !fetch) return { hash: value.state?.hash };
  const { body, contentType } = await fetch(value);
  return { hash: hash('sha256', body, 'base64url'), shown: { body, contentType } };
}

export const deliveryOf = ({ key, value, body }: StoredDelivery): Delivery => ({
  id: String(key.id),
  scope: value.scope,
  topic: value.topic,
  protocol: value.protocol as Protocol,
  subscription: value.subscription,
  side: value.side,
  signed: value.signed,
  receivedAt: value.receivedAt,
  contentType: value.contentType,
  headers: value.headers,
  body,
  attempt: value.attempts,
});

/** It has been applied, whoever holds the claim by now: whatever is there is marked, unless it is settled. */
async function settle(context: WorkContext, stored: StoredDelivery, told: string | undefined): Promise<boolean> {
  const settled = await change(context, stored, ({ value }) => {
    if (value.status !== 'received') return undefined;
    const { claim: _, notBefore: __, error: ___, ...kept } = value;
    return {
      ...kept,
      ...inEffectOf(value, told),
      status: 'applied',
      seenAt: Math.max(value.seenAt, context.clock.now()),
    };
  });
  return settled?.value.status !== 'received';
}

/** The process ends: that was no failure of this delivery. */
async function putBack(context: WorkContext, stored: StoredDelivery): Promise<boolean> {
  await ifHeld(context, stored, ({ claim: _, ...value }) => ({ ...value, attempts: value.attempts - 1 }));
  return false;
}

async function fail(
  context: WorkContext,
  stored: StoredDelivery,
  { error, afterMs }: { readonly error: string; readonly afterMs: number },
  inEffect?: string,
): Promise<boolean> {
  const { attempts } = stored.value;
  const { attempts: most, pauseMs, pauseMostMs } = context.patience ?? PATIENCE;
  if (attempts >= most) return bury(context, stored, error, inEffect);
  const notBefore = context.clock.now() + Math.max(afterMs, Math.min(pauseMs * 2 ** (attempts - 1), pauseMostMs));
  await ifHeld(context, stored, ({ claim: _, ...value }) => ({ ...value, notBefore, error }));
  return false;
}

async function bury(context: WorkContext, stored: StoredDelivery, error: string, inEffect?: string): Promise<boolean> {
  const buried = await ifHeld(context, stored, ({ claim: _, notBefore: __, ...value }) => ({
    ...value,
    ...inEffectOf(value, inEffect),
    status: 'dead',
    error,
  }));
  const dead = buried?.value.status === 'dead';
  if (dead) context.onDead?.({ id: String(stored.key.id), error });
  return dead;
}

/** Only while nobody else has taken it: what fails here may be succeeding there. */
function ifHeld(
  context: WorkContext,
  stored: StoredDelivery,
  by: (value: DeliveryDocument) => DeliveryDocument,
): Promise<StoredDelivery | undefined> {
  const own = stored.value.claim?.by;
  return change(context, stored, ({ value }) =>
    value.status === 'received' && value.claim?.by === own ? by(value) : undefined,
  );
}

const inEffectOf = ({ state }: DeliveryDocument, hash: string | undefined): Pick<DeliveryDocument, 'state'> =>
  state === undefined ? {} : { state: { ...state, ...(hash === undefined ? {} : { inEffect: hash }) } };
