import type { Clock } from '../clock.ts';
import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Entity, KeyRange, Page, Store } from '../store/store.ts';
import {
  DELIVERY,
  type DeliveryDocument,
  type DeliveryKind,
  decodeDelivery,
  deliveryKeyOf,
  type Status,
  type StoredDelivery,
} from './deliveries.ts';
import { change, isLive } from './held.ts';

/** What is shown of a delivery. */
export interface DeliveryInfo extends Omit<DeliveryDocument, 'v' | 'nonce' | 'claim' | 'state'> {
  readonly id: string;
}

export const infoOf = ({ key, value }: StoredDelivery): DeliveryInfo => {
  const { v: _, nonce: __, claim: ___, state: ____, ...shown } = value;
  return { id: String(key.id), ...shown };
};

/** What an operator calls it. `waiting`: never tried. `running`: a worker is at it. `failing`: it will be tried again. */
export const DELIVERY_STATES = ['waiting', 'running', 'failing', 'dead', 'applied'] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

export function stateOfDelivery({ status, claim, attempts }: DeliveryDocument, now: number): DeliveryState {
  if (status !== 'received') return status;
  if (isLive(claim, now)) return 'running';
  return attempts > 0 ? 'failing' : 'waiting';
}

export interface Look {
  /** Default: the inbox. */
  readonly kind?: DeliveryKind;
  /** Unset: all, by a scan. */
  readonly status?: Status | undefined;
  /** The id after which it goes on. */
  readonly after?: string | undefined;
  /** Deliveries of one page: what is not applied comes with its body. */
  readonly page?: number;
  readonly onCorrupt?: ((error: HandoverError) => void) | undefined;
}

/** Deliveries in the order of their ids, which means nothing; those of one status without looking at others. */
export async function* deliveriesIn(store: Store, look: Look = {}): AsyncGenerator<StoredDelivery> {
  for await (const page of pagesOf(store, look)) yield* page;
}

/** The same, page by page. */
export async function* pagesOf(store: Store, look: Look): AsyncGenerator<readonly StoredDelivery[]> {
  const { kind = DELIVERY, after } = look;
  const from: KeyRange = { namespace: '', kind };
  let range: KeyRange = after === undefined ? from : { ...from, after: deliveryKeyOf(after, kind) };
  for (;;) {
    const page = await pageOf(store, range, look);
    yield page.entities.flatMap((entity) => decoded(entity, look.onCorrupt) ?? []);
    const last = page.entities[page.entities.length - 1];
    if (!page.more || !last) return;
    range = { ...range, after: last.key };
  }
}

function pageOf(store: Store, range: KeyRange, { status, page = LIMITS.deliveryPage }: Look): Promise<Page> {
  if (status === undefined) return store.scan(range, page);
  return store.find(range, 'status', { type: 'string', value: status }, page);
}

function decoded(entity: Entity, onCorrupt: Look['onCorrupt']): StoredDelivery | undefined {
  try {
    return decodeDelivery(entity);
  } catch (error) {
    if (!(error instanceof HandoverError)) throw error;
    onCorrupt?.(error);
    return undefined;
  }
}

/** Throws `delivery.missing`. */
export async function deliveryAt(store: Store, id: string, kind?: DeliveryKind): Promise<StoredDelivery> {
  const [entity] = await store.read([deliveryKeyOf(id, kind)]);
  if (!entity) throw new HandoverError('delivery.missing', `There is no delivery ${JSON.stringify(id)}.`);
  return decodeDelivery(entity);
}

/**
 * Gives a dead delivery its attempts back. Of a state, the topic is asked: it may be further on by now. Throws
 * `delivery.missing`, and `delivery.refused` where it is not dead.
 */
export async function retryDelivery(
  context: { readonly store: Store; readonly clock: Clock },
  id: string,
  kind?: DeliveryKind,
): Promise<void> {
  const found = await deliveryAt(context.store, id, kind);
  if (found.value.status !== 'dead') {
    throw new HandoverError('delivery.refused', `The delivery ${id} is ${found.value.status}.`);
  }
  await change(context, found, ({ value }) => {
    if (value.status !== 'dead') return undefined;
    const state = value.state && { ...value.state, suspect: true, retried: true };
    return { ...value, status: 'received', attempts: 0, ...(state ? { state } : {}) };
  });
}
