import type { Side } from '../../machines/moves.ts';
import type { Clock } from '../clock.ts';
import { type Held, other, roleOf } from '../engine/pair.ts';
import { LIMITS } from '../limits.ts';
import { type Content, EMPTY } from '../record/content.ts';
import { encodeSlot, type Slot } from '../record/slot.ts';
import type { Mutation } from '../store/store.ts';
import type { Look } from './look.ts';

/** The compare-and-sets of a client, each bearing the call's nonce. */
export type Writing = { readonly clock: Clock; readonly nonce: string };

const NEVER_MOVED: Pick<Slot, 'seq' | 'journal'> = { seq: 0, journal: [] };

/** The owner at `at`, or the shadow there that becomes the owner by it. Without content it becomes a tombstone. */
export function ownerAt(look: Look, at: Side, content: Content | undefined, { clock, nonce }: Writing): Mutation {
  const held = look[at]!;
  const peer = look[other(at)]?.slot;
  const promotes = roleOf(held) === 'H';
  // Who promotes has taken the last step of the pair: its journal goes on from the side that has seen more.
  const { seq: last, journal } = promotes && peer && peer.seq > held.slot!.seq ? peer : (held.slot ?? NEVER_MOVED);
  const entry = { seq: last + 1, move: `promote ${at}`, at: clock.now(), by: 'client' };
  const slot: Slot = {
    role: 'owner',
    ...(content ? {} : { deleted: true as const }),
    side: at,
    of: held.slot?.of ?? '',
    peer: look.keys[other(at)].toString(),
    campaign: campaignOf(held, peer, content),
    seq: promotes ? last + 1 : last,
    nonce,
    journal: promotes ? [...journal, entry].slice(-LIMITS.journalEntries) : journal,
  };
  return { op: 'update', key: look.keys[at], version: held.version, content: content ?? EMPTY, slot: encodeSlot(slot) };
}

/** A tombstone is of the campaign that its frozen peer is of: its sweep clears both. */
function campaignOf({ slot }: Held, peer: Slot | undefined, content: Content | undefined): string {
  const [first, second] = content ? [slot, peer] : [peer, slot];
  return first?.campaign || second?.campaign || '';
}

/** Announces an insert at the old home. Of no campaign: its client knows of none. */
export function birth(look: Look, content: Content, { clock, nonce }: Writing): Mutation {
  const { S, T } = look.keys;
  const journal = [{ seq: 0, move: 'announce S', at: clock.now(), by: 'client' }];
  const slot = { role: 'birth', side: 'S', of: '', peer: T.toString(), campaign: '', seq: 0, nonce, journal } as const;
  return { op: 'insert', key: S, content, slot: encodeSlot(slot) };
}

/** The announced insert comes true. */
export function settled(look: Look, { nonce }: Writing): Mutation {
  const { content, version } = look.S!;
  const peer = look.keys.T.toString();
  const slot = { role: 'owner', side: 'S', of: '', peer, campaign: '', nonce, ...NEVER_MOVED } as const;
  return { op: 'update', key: look.keys.S, version, content, slot: encodeSlot(slot) };
}

export const removal = (look: Look, at: Side): Mutation => ({
  op: 'delete',
  key: look.keys[at],
  version: look[at]!.version,
});

/** How long a call waits that the store had no room for, the n-th time. */
export const busyPauseMs = (n: number): number => Math.min(LIMITS.routerPauseMs * 2 ** n, LIMITS.routerPauseMostMs);
