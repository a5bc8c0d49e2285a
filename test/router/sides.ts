import { PAIR_STATES } from '../../machines/record.ts';
import type { Content } from '../../src/record/content.ts';
import type { Key } from '../../src/record/key.ts';
import { encodeSlot, type Role, type Slot } from '../../src/record/slot.ts';
import type { Store } from '../../src/store/store.ts';
import { content, newKey, oldKey } from '../engine/harness.ts';

export const addressOf = (n: number) => ({ from: oldKey(n), into: newKey(n) });
const userOf = (n: number) => `u${n % 7}`;
export const inOldShape = (n: number, value: string): Content =>
  content({ user: userOf(n), title: value.toLowerCase(), visits: 0 });
export const inNewShape = (n: number, value: string): Content =>
  content({ user: userOf(n), name: value.toUpperCase(), visits: 0 });
export const named = (n: number, name: string) => ({ user: userOf(n), name, visits: 0 });

const ROLES: Readonly<Record<string, Role>> = { O: 'owner', X: 'owner', H: 'shadow', C: 'ceded', B: 'birth' };

/** Long before any clock of a test. */
const LONG_AGO = 1_600_000_000_000;

function slotOf(side: 'S' | 'T', letter: string, n: number, of: string): string {
  const slot: Slot = {
    role: ROLES[letter]!,
    ...(letter === 'X' ? { deleted: true as const } : {}),
    side,
    of: letter === 'H' || letter === 'C' ? of : '',
    peer: (side === 'S' ? newKey(n) : oldKey(n)).toString(),
    campaign: letter === 'B' ? '' : 'feeds.1',
    seq: 1,
    journal: [{ seq: 1, move: 'some move', at: LONG_AGO, by: 'w1' }],
  };
  return encodeSlot(slot);
}

/** The pairs that moves, clients and crashes lead to: all that are neither split nor corrupt; `~` is a stale shadow. */
export const PAIRS: readonly string[] = Object.entries(PAIR_STATES)
  .filter(([, state]) => state !== 'split' && state !== 'corrupt')
  .flatMap(([pair]) => (/^(OH|CH|HO|HC)$/.test(pair) ? [pair, `${pair}~`] : [pair]));

/** The truth of such a pair, whose living side says `GOOD`, in the new shape. */
export const truthIn = (pair: string): string | undefined =>
  /O|C/.test(pair) && !pair.includes('X') ? 'GOOD' : undefined;

interface Put {
  readonly key: Key;
  readonly content: Content;
  readonly slot: string;
}

/** Stores record `n` as that pair, and nothing where it has nothing. What holds the truth says `GOOD`, all else is older. */
export async function lay(store: Store, pair: string, n: number): Promise<void> {
  const [atS, atT, stale] = [...pair] as [string, string, string?];
  const living = (letter: string, other: string) =>
    letter === 'O' || (letter === 'C' && other !== 'O' && other !== 'X');
  const value = (letter: string, other: string) =>
    living(letter, other) || (letter === 'H' && living(other, letter) && !stale) ? 'good' : 'old';
  const S = inOldShape(n, value(atS, atT));
  const T = inNewShape(n, value(atT, atS));
  const puts: Put[] = [];
  if (atS !== '-')
    puts.push({ key: oldKey(n), content: S, slot: slotOf('S', atS, n, atS === 'C' ? S.fingerprint : T.fingerprint) });
  if (atT !== '-')
    puts.push({ key: newKey(n), content: T, slot: slotOf('T', atT, n, atT === 'C' ? T.fingerprint : S.fingerprint) });
  // A stale shadow was made from what the other side said before.
  const gone = [...(atS === '-' ? [oldKey(n)] : []), ...(atT === '-' ? [newKey(n)] : [])];
  await store.overwrite(stale ? puts.map((put) => staled(put, n)) : puts, gone);
}

function staled(put: Put, n: number) {
  if (!put.slot.includes('"r":"H"')) return put;
  const side = put.slot.includes('"s":"S"') ? 'S' : 'T';
  const made = side === 'S' ? inNewShape(n, 'old') : inOldShape(n, 'old');
  return { ...put, slot: slotOf(side, 'H', n, made.fingerprint) };
}
