import { describe, expect, it } from 'vitest';
import {
  AUTHORITY,
  letterOf,
  type Side,
  type SideLetter,
  sideOf,
  type Truth,
  truth,
} from '../../src/record/authority.ts';
import { Content } from '../../src/record/content.ts';
import type { Slot } from '../../src/record/slot.ts';
import { compareKeysAndContents } from './equality.ts';

compareKeysAndContents();

/** Each side's frozen or owned value is its own, so that an answer taken from the wrong side shows. */
const contentOf = {
  S: Content.of(new Map([['at', { type: 'string', value: 'S' }]])),
  T: Content.of(new Map([['at', { type: 'string', value: 'T' }]])),
};

const SIDES: Record<SideLetter, (at: 'S' | 'T') => Side> = {
  '-': () => undefined,
  O: (at) => ({ role: 'owner', content: contentOf[at], of: '' }),
  X: (at) => ({ role: 'owner', deleted: true, content: contentOf[at], of: '' }),
  H: (at) => ({ role: 'shadow', content: contentOf[at], of: 'f' }),
  C: (at) => ({ role: 'ceded', content: contentOf[at], of: 'f' }),
  B: (at) => ({ role: 'birth', content: contentOf[at], of: '' }),
};
const LETTERS = Object.keys(SIDES) as SideLetter[];
const PAIRS = LETTERS.flatMap((s) => LETTERS.map((t) => [s, t] as const));

// ---------------------------------------------------------------- the truth as the model of the protocol states it
const OWNER = 'O';
const CEDED = 'C';
const TOMB = 0;
type Modelled = { role: string; val: number } | null;

function modelTruth({ S, T }: { S: Modelled; T: Modelled }): number | 'SPLIT' {
  if (S?.role === OWNER && T?.role === OWNER) return 'SPLIT';
  const owner = S?.role === OWNER ? S : T?.role === OWNER ? T : null;
  if (owner) return owner.val;
  if (S?.role === CEDED && T?.role === CEDED) return 'SPLIT';
  const ceded = S?.role === CEDED ? S : T?.role === CEDED ? T : null;
  return ceded ? ceded.val : TOMB;
}

type Located =
  | { at: 'S' | 'T'; val: number }
  | { ceded: 'S' | 'T'; peerEntity: Modelled; val: number }
  | { absent: true };

function modelLocate(S: Modelled, T: Modelled): Located {
  if (S?.role === OWNER) return { at: 'S', val: S.val };
  if (T?.role === OWNER) return { at: 'T', val: T.val };
  for (const side of ['S', 'T'] as const) {
    const e = side === 'S' ? S : T;
    const peer = side === 'S' ? T : S;
    if (e?.role === CEDED) return { ceded: side, peerEntity: peer, val: e.val };
  }
  return { absent: true };
}

/** A tombstone is an owner of value 0; the values of S and T are 1 and 2. */
const modelled = (letter: SideLetter, val: number): Modelled =>
  letter === '-' ? null : letter === 'X' ? { role: OWNER, val: TOMB } : { role: letter, val };

const valueAt = (at: 'S' | 'T') => (at === 'S' ? 1 : 2);

function saysTruth(said: Truth): number | 'SPLIT' {
  switch (said.kind) {
    case 'owner':
      return said.deleted ? TOMB : valueAt(said.at);
    case 'ceded':
      return valueAt(said.at);
    case 'absent':
      return TOMB;
    default:
      return 'SPLIT';
  }
}

describe('the authority table', () => {
  it('has one row for each of the 36 pairs, with a label and a reason of its own', () => {
    expect(Object.keys(AUTHORITY).sort()).toEqual(PAIRS.map(([s, t]) => s + t).sort());
    for (const { label, reason } of Object.values(AUTHORITY)) {
      expect(label).not.toBe('');
      expect(reason).toMatch(/^[A-Z].*\.$/);
    }
  });

  it.each(PAIRS)('S %s, T %s: says what the checked model says is true (P2)', (s, t) => {
    const said = truth(SIDES[s]('S'), SIDES[t]('T'));
    expect(saysTruth(said)).toBe(modelTruth({ S: modelled(s, 1), T: modelled(t, 2) }));
  });

  it.each(PAIRS)('S %s, T %s: finds it where a client of the checked model does (P3)', (s, t) => {
    const said = truth(SIDES[s]('S'), SIDES[t]('T'));
    if (said.kind === 'split' || said.kind === 'corrupt') return;
    const found = modelLocate(modelled(s, 1), modelled(t, 2));
    if ('at' in found) expect(said).toEqual({ kind: 'owner', at: found.at, deleted: found.val === TOMB });
    else if ('ceded' in found) {
      const peer = { '-': 'missing', H: 'shadow', B: 'birth' }[found.peerEntity?.role ?? '-'];
      expect(said).toEqual({ kind: 'ceded', at: found.ceded, peer });
    } else expect(said).toEqual({ kind: 'absent' });
  });

  it.each(PAIRS)('S %s, T %s: split is two owners, corrupt is two ceded, and nothing else is either (P1)', (s, t) => {
    const owners = [s, t].filter((letter) => letter === 'O' || letter === 'X').length;
    const cededs = [s, t].filter((letter) => letter === 'C').length;
    const { kind } = truth(SIDES[s]('S'), SIDES[t]('T'));
    expect(kind === 'split').toBe(owners === 2);
    expect(kind === 'corrupt').toBe(cededs === 2);
  });

  it.each(PAIRS)('S %s, T %s: says the mirror image of S %s, T %s exchanged', (s, t) => {
    const flip = (said: Truth): Truth => ('at' in said ? { ...said, at: said.at === 'S' ? 'T' : 'S' } : said);
    expect(truth(SIDES[t]('S'), SIDES[s]('T'))).toEqual(flip(truth(SIDES[s]('S'), SIDES[t]('T'))));
  });

  it('lets no engine move change the truth (P2)', () => {
    const values = (pair: keyof typeof AUTHORITY) => {
      const { truth } = AUTHORITY[pair];
      return truth.kind === 'absent' || (truth.kind === 'owner' && truth.deleted) ? 'nothing' : 'something';
    };
    // The journey there and back, and the end of a deleted record, step by step.
    const journeys = [
      ['O-', 'OH', 'CH', 'CO', 'HO', 'HC', 'OC', 'O-'],
      ['CO', '-O'],
      ['-O', 'HO', 'HC', '-C', 'HC', 'OC', 'OH'],
      ['OH', 'CH', 'C-', 'CH', 'CO'],
      ['XC', 'X-', '--'],
      ['CX', '-X', '--'],
      ['BX', '-X', '--'],
      ['-H', '--'],
      ['HH', 'H-', '--'],
    ] as const;
    for (const journey of journeys) expect(new Set(journey.map(values)).size, journey.join(' ')).toBe(1);
  });
});

describe('a side', () => {
  const slot: Slot = { role: 'ceded', side: 'S', of: 'f', peer: 'Feed:7', campaign: 'feeds@1', seq: 1, journal: [] };

  it('without a slot is an owner', () => {
    expect(sideOf(contentOf.S, undefined)).toEqual({ role: 'owner', content: contentOf.S, of: '' });
    expect(letterOf(sideOf(contentOf.S, undefined))).toBe('O');
  });

  it('without an entity is none, even if a slot was read', () => {
    expect(sideOf(undefined, undefined)).toBeUndefined();
    expect(letterOf(sideOf(undefined, slot))).toBe('-');
  });

  it.each(LETTERS)('%s is known by its slot', (letter) => {
    const side = SIDES[letter]('S');
    const again = side && sideOf(side.content, { ...slot, ...side });
    expect(letterOf(again)).toBe(letter);
    expect(again?.content).toBe(side?.content);
  });
});
