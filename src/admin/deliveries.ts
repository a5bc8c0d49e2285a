import type { Clock } from '../clock.ts';
import { list } from '../engine/documents.ts';
import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Store } from '../store/store.ts';
import type { Status as Stored, StoredDelivery } from '../webhooks/deliveries.ts';
import {
  type DeliveryState,
  deliveriesIn,
  deliveryAt,
  infoOf,
  retryDelivery,
  stateOfDelivery,
} from '../webhooks/inboxLook.ts';
import type { DeliveriesPage, DeliveryRow, DeliveryView, Forged, InboxStatus } from './deliverySchema.ts';

/** What an operator sees of the inbox, and may do to it. Nobody else's runs are disturbed: all is compare-and-set. */
interface Context {
  readonly store: Store;
  readonly clock: Clock;
}

export interface DeliveriesOptions {
  /** Unset: all that is not applied. */
  readonly state?: DeliveryState;
  readonly limit?: number;
  /** `next` of the page before. */
  readonly after?: string;
}

/** The dead first; all else in no order that means anything. */
const STORED: Readonly<Record<DeliveryState, Stored>> = {
  dead: 'dead',
  waiting: 'received',
  running: 'received',
  failing: 'received',
  applied: 'applied',
};

/** A page of deliveries. Throws `usage.invalid` for an `after` that no page ended with. */
export async function deliveries({ store, clock }: Context, options: DeliveriesOptions = {}): Promise<DeliveriesPage> {
  const { state, limit = LIMITS.samples } = options;
  const all: readonly Stored[] = state === undefined ? ['dead', 'received'] : [STORED[state]];
  const from = options.after === undefined ? undefined : cursorOf(options.after, all);
  const rows: DeliveryRow[] = [];
  for (const status of from ? all.slice(all.indexOf(from.status)) : all) {
    const after = status === from?.status ? from.id : undefined;
    for await (const found of deliveriesIn(store, { status, after })) {
      const row = rowOf(found, clock.now());
      if (state !== undefined && row.state !== state) continue;
      rows.push(row);
      if (rows.length === limit) return { deliveries: rows, next: `${status}:${row.id}` };
    }
  }
  return { deliveries: rows };
}

function cursorOf(text: string, all: readonly Stored[]): { readonly status: Stored; readonly id: string } {
  const [, name, id] = /^([a-z]+):([\w-]+)$/.exec(text) ?? [];
  const status = all.find((each) => each === name);
  if (status && id) return { status, id };
  throw new HandoverError('usage.invalid', `${JSON.stringify(text)} is not where a page ended.`);
}

function rowOf(found: StoredDelivery, now: number): DeliveryRow {
  const { id, subscription, side, topic, protocol, receivedAt, attempts, notBefore, error } = infoOf(found);
  const state = stateOfDelivery(found.value, now);
  return {
    id,
    state,
    subscription,
    side,
    topic,
    protocol,
    receivedAt,
    attempts,
    ...(state === 'failing' && notBefore !== undefined ? { nextAt: notBefore } : {}),
    ...(error === undefined ? {} : { error }),
  };
}

/** Throws `delivery.missing`. */
export async function delivery({ store, clock }: Context, id: string): Promise<DeliveryView> {
  const found = await deliveryAt(store, id);
  const { scope, identity, signed, seenAt, contentType, headers } = infoOf(found);
  return { ...rowOf(found, clock.now()), scope, identity, signed, seenAt, contentType, headers, body: headOf(found) };
}

function headOf({ body }: StoredDelivery): DeliveryView['body'] {
  const head = body.subarray(0, LIMITS.deliveryHeadBytes);
  try {
    // Streamed: the last character may be cut in two.
    const text = new TextDecoder('utf-8', { fatal: true }).decode(head, { stream: head.length < body.length });
    return { bytes: body.length, head: text, encoding: 'utf8' };
  } catch {
    return { bytes: body.length, head: Buffer.from(head).toString('base64'), encoding: 'base64' };
  }
}

/**
 * Gives dead deliveries their attempts back: those named, or all. Whoever works on the inbox runs them again. Returns how
 * many. Throws `delivery.missing` and `delivery.refused` for one that is named; of all, one that is not dead any more by
 * then is no failure.
 */
export async function retryDeliveries(context: Context, which: readonly string[] | 'dead'): Promise<number> {
  if (which !== 'dead') {
    for (const id of which) await retryDelivery(context, id);
    return which.length;
  }
  let retried = 0;
  for await (const { key } of deliveriesIn(context.store, { status: 'dead' })) {
    try {
      await retryDelivery(context, String(key.id));
      retried++;
    } catch (error) {
      if (!(error instanceof HandoverError) || !error.code.startsWith('delivery.')) throw error;
    }
  }
  return retried;
}

/** By the index of what is to be done: what was applied is not looked at. Undefined where nothing ever came in wrong, or waits. */
export async function inboxStatus({ store, clock }: Context): Promise<InboxStatus | undefined> {
  const counts = { waiting: 0, running: 0, failing: 0, dead: 0, applied: 0 };
  let more = false;
  let oldestAt: number | undefined;
  for (const status of ['received', 'dead'] as const) {
    let seen = 0;
    for await (const { value } of deliveriesIn(store, { status })) {
      if (seen++ === LIMITS.deliveriesCounted) {
        more = true;
        break;
      }
      counts[stateOfDelivery(value, clock.now())]++;
      if (status === 'received') oldestAt = Math.min(oldestAt ?? value.receivedAt, value.receivedAt);
    }
  }
  const forged = await forgedIn(store);
  const { applied: _, ...shown } = counts;
  if (forged.length === 0 && Object.values(shown).every((n) => n === 0)) return undefined;
  return { ...shown, ...(more ? { more } : {}), ...(oldestAt === undefined ? {} : { oldestAt }), forged };
}

/** The newest first. */
async function forgedIn(store: Store): Promise<Forged[]> {
  const found: Forged[] = [];
  for await (const { value } of list(store, 'suspicion')) {
    for (const side of ['old', 'new'] as const) {
      const forged = value[side];
      if (!forged) continue;
      const { write: _, ...shown } = forged;
      found.push({ subscription: value.subscription, side, ...shown });
    }
  }
  return found.sort((a, b) => b.lastAt - a.lastAt).slice(0, LIMITS.suspicionsShown);
}
