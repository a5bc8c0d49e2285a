import type { Protocol } from '../define/hub.ts';
import { KINDS, load, save } from '../engine/documents.ts';
import type { Document } from '../engine/schemas.ts';
import { LIMITS } from '../limits.ts';
import { Key } from '../record/key.ts';
import type { Version } from '../store/store.ts';
import { DELIVERY, type StoredDelivery } from './deliveries.ts';
import { PROTOCOLS } from './identities.ts';
import { type Look, pagesOf } from './inboxLook.ts';
import { lastState } from './states.ts';
import type { InboxContext } from './storing.ts';

/** Days for which identities are kept, where it is not to be as in `PROTOCOLS`. */
export type KeepDays = Partial<Readonly<Record<Protocol, number>>>;

export interface Sweeping extends InboxContext {
  readonly keepDays: KeepDays;
  readonly onCorrupt: NonNullable<Look['onCorrupt']>;
}

const DAY_MS = 86_400_000;
const KEY = Key.of([{ kind: KINDS.inbox, id: 'sweep' }]);

/** One pass over what was applied. `paged` is told after each page how far it is, and ends the pass by answering false. */
export async function sweepFrom(
  context: Sweeping,
  after: string | undefined,
  paged: (at: string) => Promise<boolean> | boolean = () => true,
): Promise<{ readonly swept: number; readonly done: boolean }> {
  const { store, onCorrupt } = context;
  let swept = 0;
  for await (const page of pagesOf(store, { status: 'applied', after, page: LIMITS.pageSize, onCorrupt })) {
    for (const found of page) if (await forget(context, found)) swept++;
    const last = page[page.length - 1];
    if (last && !(await paged(String(last.key.id)))) return { swept, done: false };
  }
  return { swept, done: true };
}

/** Whoever saw it come again meanwhile has changed its version: then it stays. */
async function forget(context: Sweeping, { key, value, version }: StoredDelivery): Promise<boolean> {
  const { store, clock, keepDays } = context;
  const protocol = value.protocol as Protocol;
  const days = keepDays[protocol] ?? value.keepDays ?? PROTOCOLS[protocol].keepDays;
  if (clock.now() - value.seenAt < days * DAY_MS) return false;
  if (value.state && value.state.seq >= (await lastState(context, value.scope))) return false;
  const [outcome] = await store.commit([{ op: 'delete', key, version }]);
  return outcome!.status === 'applied';
}

/**
 * The daily pass, by whichever process comes first. The claim spares the others the reading, and is no lock: a pass that
 * two make at once does no harm. One that dies, or is told to end, leaves where it was, and the next goes on from there.
 * Returns how many were forgotten; undefined where it was not this process's turn.
 */
export async function sweepInTurn(context: Sweeping, signal: AbortSignal): Promise<number | undefined> {
  const { store, clock } = context;
  const by = clock.id();
  let { value, version } = await sweepDocument(context);
  if (!isDue(value, clock.now()) || !(await isUsed(context))) return undefined;
  let claimedAt = 0;
  /** False: it is somebody else's by now, or nobody can say. */
  const write = async (next: Document<'inbox'>): Promise<boolean> => {
    const saved = await save<'inbox'>(store, KEY, next, version);
    if (saved.status === 'applied') version = saved.version;
    return saved.status === 'applied';
  };
  const claim = (cursor: string | undefined) => {
    claimedAt = clock.now();
    const untilMs = claimedAt + LIMITS.deliverySweepClaimMs;
    return write({ v: 1, ...(cursor === undefined ? {} : { cursor }), claim: { by, untilMs } });
  };
  if (!(await claim(value.cursor))) return undefined;
  const { swept, done } = await sweepFrom(context, value.cursor, async (at) => {
    if (signal.aborted) {
      await write({ v: 1, cursor: at });
      return false;
    }
    return clock.now() - claimedAt < LIMITS.deliverySweepClaimMs / 3 || claim(at);
  });
  if (done) await write({ v: 1, doneAt: clock.now() });
  return swept;
}

async function sweepDocument({ store }: InboxContext): Promise<{ value: Document<'inbox'>; version?: Version }> {
  return (await load(store, 'inbox', KEY)) ?? { value: { v: 1 } };
}

/** A moment that lies far ahead was written by a clock gone wrong. */
function isDue({ doneAt, claim }: Document<'inbox'>, now: number): boolean {
  if (claim) return claim.untilMs <= now || claim.untilMs > now + LIMITS.deliverySweepClaimMs;
  return doneAt === undefined || Math.abs(now - doneAt) >= LIMITS.deliverySweepMs;
}

/** Of a store that has no inbox nothing is asked, nor is anything written to it. */
async function isUsed({ store }: InboxContext): Promise<boolean> {
  const { entities } = await store.scan({ namespace: '', kind: DELIVERY }, 1);
  return entities.length > 0;
}
