import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Version } from '../store/store.ts';
import { type DeliveryDocument, decodeDelivery, deliveryContent, type StoredDelivery } from './deliveries.ts';
import type { InboxContext } from './storing.ts';

/** A change of a stored delivery, computed from what is there; undefined: leave it. */
type Change = (current: StoredDelivery) => DeliveryDocument | undefined;

const NONE = new Uint8Array();

/**
 * Changes a delivery by compare-and-set: computed anew from what is there whenever somebody was faster or the answer was
 * lost. Returns it as it is then, or undefined where it is gone. Throws `store.unknown` when the store never answered.
 */
export async function change(
  { store, clock }: InboxContext,
  from: StoredDelivery,
  by: Change,
): Promise<StoredDelivery | undefined> {
  let current: StoredDelivery | undefined = from;
  let cause = 'it kept changing';
  for (let i = 0; i < LIMITS.deliveryMarkAttempts; i++) {
    try {
      if (i > 0) {
        const [entity] = await store.read([from.key]);
        current = entity && decodeDelivery(entity);
      }
      const value: DeliveryDocument | undefined = current && by(current);
      if (!current || !value) return current;
      // What was applied is known by its identity: nobody needs its bytes any more.
      const body: Uint8Array = value.status === 'applied' ? NONE : current.body;
      const { key, version } = current;
      const [outcome] = await store.commit([{ op: 'update', key, version, content: deliveryContent(value, body) }]);
      if (outcome!.status === 'applied') return { key, value, body, version: outcome!.version };
      if (outcome!.status === 'conflict') continue;
      if ('cause' in outcome!) cause = outcome.cause;
    } catch (error) {
      if (!isSilence(error)) throw error;
      cause = error.detail;
    }
    await clock.sleep(Math.min(LIMITS.callPauseMs * 2 ** i, LIMITS.controlPauseMostMs));
  }
  throw new HandoverError('store.unknown', `A write of ${from.key}: ${cause}.`);
}

/** The store's silence: it is worth another try. */
const isSilence = (error: unknown): error is HandoverError =>
  error instanceof HandoverError && (error.code === 'store.unknown' || error.code === 'store.unavailable');

/** Whether somebody is at it. A claim that lies further ahead than any was made by a clock gone wrong. */
export const isLive = (claim: DeliveryDocument['claim'], now: number): boolean =>
  claim !== undefined && claim.untilMs > now && claim.untilMs <= now + LIMITS.deliveryClaimMs;

export interface Held {
  readonly stored: StoredDelivery;
  /** Aborts when somebody else has it by now: the handler need not go on. */
  readonly lost: AbortSignal;
  /** Ends the renewals. Nothing is written after it resolves. */
  release(): Promise<void>;
}

/**
 * Takes a delivery for this worker, and counts the run before it begins, so that one which takes its process with it is
 * counted too. Undefined where somebody else was faster. The claim is renewed as long as the handler runs; a crash lets
 * it expire. It keeps workers out of each other's way and is no lock: one that stalls for longer than a claim may find
 * its delivery applied twice.
 */
export async function hold(context: InboxContext, found: StoredDelivery): Promise<Held | undefined> {
  const { clock } = context;
  const by = clock.id();
  const claim = () => ({ by, untilMs: clock.now() + LIMITS.deliveryClaimMs });
  let version: Version | undefined = found.version;
  const stored = await change(context, found, ({ value, version: now }) => {
    if (now !== version) return undefined; // it was taken, settled, or taken by this very call, whose answer was lost
    version = undefined;
    return { ...value, attempts: value.attempts + 1, claim: claim() };
  });
  if (stored?.value.claim?.by !== by) return undefined;
  const stop = new AbortController();
  const lost = new AbortController();
  const renewing = renew(context, stored, stop.signal, (current) =>
    current.value.claim?.by === by ? { ...current.value, claim: claim() } : undefined,
  ).then((kept) => kept || lost.abort());
  return {
    stored,
    lost: lost.signal,
    release: async () => {
      stop.abort();
      await renewing;
    },
  };
}

/** True when it ended because it was told to. */
async function renew(context: InboxContext, stored: StoredDelivery, stop: AbortSignal, by: Change): Promise<boolean> {
  let current: StoredDelivery = stored;
  for (;;) {
    await context.clock.sleep(LIMITS.deliveryClaimMs / 3, stop);
    if (stop.aborted) return true;
    try {
      const now = await change(context, current, by);
      if (!now || by(now) === undefined) return false;
      current = now;
    } catch (error) {
      if (!(error instanceof HandoverError)) return false;
    }
  }
}
