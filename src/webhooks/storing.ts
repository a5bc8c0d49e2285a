import type { Clock } from '../clock.ts';
import { HandoverError, messageOf } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Key } from '../record/key.ts';
import { checkEntity } from '../store/check.ts';
import type { Entity, Mutation, Outcome, Store } from '../store/store.ts';
import { type DeliveryDocument, decodeDelivery, deliveryContent, type StoredDelivery } from './deliveries.ts';

export interface InboxContext {
  readonly store: Store;
  readonly clock: Clock;
}

export interface Arrival {
  readonly key: Key;
  readonly value: DeliveryDocument;
  readonly body: Uint8Array;
}

/**
 * `stored`: something of it was new, and is durable. `duplicate`: all of it was there. `unsure`: some of it may not be
 * there; whoever sent it is to send it again, which does no harm. `tooLarge`: never will it be.
 */
export type Put =
  | { readonly status: 'stored' | 'duplicate' }
  | { readonly status: 'unsure' | 'tooLarge'; readonly cause: string };

const DAY_MS = 86_400_000;

/**
 * Inserts what is not there yet. After a conflict or a lost answer it looks: an entity with our nonce is ours, one with
 * another is a duplicate, and none at all is tried again under the same nonce, so that a late first try does no harm.
 */
export async function insertAll(context: InboxContext, arrivals: readonly Arrival[]): Promise<Put> {
  const { store, clock } = context;
  let pending = arrivals.length === 1 ? [...arrivals] : withoutTwins(arrivals);
  const mutations = new Map(pending.map((arrival) => [arrival, insertOf(arrival)]));
  const tooLarge = [...mutations.values()].map((each) => refusal(store, each)).find((cause) => cause !== undefined);
  if (tooLarge !== undefined) return { status: 'tooLarge', cause: tooLarge };
  let fresh = 0;
  let cause = '';
  for (let i = 0; i < LIMITS.callAttempts; i++) {
    if (i > 0) await clock.sleep(LIMITS.callPauseMs * 2 ** (i - 1));
    try {
      const round = await commitAll(store, pending, mutations);
      const refused = round.find(({ outcome }) => outcome.status === 'refused')?.outcome;
      if (refused?.status === 'refused') return { status: 'tooLarge', cause: refused.cause };
      const open = round.filter(({ outcome }) => outcome.status !== 'applied');
      fresh += round.length - open.length;
      cause = open.map(({ outcome }) => ('cause' in outcome ? outcome.cause : outcome.status))[0] ?? '';
      const looked = await look(
        context,
        open.map(({ arrival }) => arrival),
      );
      fresh += looked.own;
      pending = looked.missing;
    } catch (error) {
      if (!(error instanceof HandoverError)) throw error;
      cause = messageOf(error);
    }
    if (pending.length === 0) return { status: fresh > 0 ? 'stored' : 'duplicate' };
  }
  return { status: 'unsure', cause };
}

/** An entry that a feed has twice. */
const withoutTwins = (arrivals: readonly Arrival[]): Arrival[] => [
  ...new Map(arrivals.map((arrival) => [arrival.key.toString(), arrival])).values(),
];

const insertOf = ({ key, value, body }: Arrival): Mutation & { op: 'insert' } => ({
  op: 'insert',
  key,
  content: deliveryContent(value, body),
});

/** A store would refuse the whole call. */
function refusal({ capabilities }: Store, { key, content }: Mutation & { op: 'insert' }): string | undefined {
  try {
    checkEntity(key, content, undefined, capabilities);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

async function commitAll(
  store: Store,
  arrivals: readonly Arrival[],
  mutations: ReadonlyMap<Arrival, Mutation>,
): Promise<{ readonly arrival: Arrival; readonly outcome: Outcome }[]> {
  const round: { arrival: Arrival; outcome: Outcome }[] = [];
  const most = Math.min(LIMITS.pageSize, store.capabilities.maxMutations);
  for (let i = 0; i < arrivals.length; i += most) {
    const part = arrivals.slice(i, i + most);
    const outcomes = await store.commit(part.map((arrival) => mutations.get(arrival)!));
    round.push(...part.map((arrival, j) => ({ arrival, outcome: outcomes[j]! })));
  }
  return round;
}

async function look(
  context: InboxContext,
  arrivals: readonly Arrival[],
): Promise<{ readonly own: number; readonly missing: Arrival[] }> {
  if (arrivals.length === 0) return { own: 0, missing: [] };
  const found = await context.store.read(arrivals.map(({ key }) => key));
  const there = arrivals.map((arrival, i) => ({ arrival, stored: storedOf(found[i]) }));
  await touch(
    context,
    there.flatMap(({ stored }) => stored ?? []),
  );
  return {
    own: there.filter(({ arrival, stored }) => stored?.value.nonce === arrival.value.nonce).length,
    missing: there.flatMap(({ arrival, stored }) => (stored ? [] : [arrival])),
  };
}

const storedOf = (entity: Entity | undefined): StoredDelivery | undefined => entity && decodeDelivery(entity);

/**
 * What still comes in begins its window anew, once a day. Only where the handler is done with it, so as not to be in a
 * worker's way; and if it fails, the window is a day shorter.
 */
async function touch({ store, clock }: InboxContext, found: readonly StoredDelivery[]): Promise<void> {
  const now = clock.now();
  const old = found.filter(({ value }) => value.status === 'applied' && now - value.seenAt >= DAY_MS);
  for (const { key, value, body, version } of old) {
    await store.commit([{ op: 'update', key, version, content: deliveryContent({ ...value, seenAt: now }, body) }]);
  }
}
