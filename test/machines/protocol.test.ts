import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Move, TARGETS, type Target } from '../../machines/moves.ts';
import { type RecordState, recordMachine, type SideRole } from '../../machines/record.ts';
import { evaluate, nextMove } from '../../src/engine/decide.ts';
import { rulesOf } from './flaws.ts';
import { sweepAlone } from './model.ts';
import {
  apply,
  birth,
  ceded,
  type Entity,
  isSplit,
  owner,
  type Pair,
  roleOf,
  shadow,
  show,
  stateOf,
  tombstone,
} from './pair.ts';

/**
 * The table of docs/PROTOCOL.md, written down a second time by hand: the machine must say the same, cell by cell.
 * `OH` is S then T; `=` and `≠` tell whether the shadow's fingerprint equals the truth.
 */
const SPLIT = 'quarantine record.split';
const CORRUPT = 'quarantine record.corrupt';
const rest = 'rest';
const all = (move: string) => [move, move, move, move] as const;

// biome-ignore format: a table is read by its columns
const TABLE: Readonly<Record<string, readonly [string, string, string, string]>> = {
  //       home         copied        switched      completed
  '--':  all(rest),
  // S holds the truth
  'O-':  [rest,         'copy T',     'copy T',    'copy T'],
  'OH=': ['drop T',     rest,         'cede S',    'cede S'],
  'OH≠': ['drop T',     'refresh T',  'refresh T', 'refresh T'],
  'OC':  ['drop T',     'demote T',   'demote T',  'demote T'],
  // S gave it away: always finished first (P1: never taken back)
  'C-':  all('copy T'),
  'CH=': all('promote T'),
  'CH≠': all('refresh T'),
  // T holds the truth
  'CO':  ['demote S',   'demote S',   rest,        'drop S'],
  'HO=': ['cede T',     'cede T',     rest,        'drop S'],
  'HO≠': ['refresh S',  'refresh S',  rest,        'drop S'],
  '-O':  ['copy S',     'copy S',     rest,        rest],
  // T gave it away
  '-C':  all('copy S'),
  'HC=': all('promote S'),
  'HC≠': all('refresh S'),
  // shadows of nothing
  'H-':  all('drop S'),
  '-H':  all('drop T'),
  'HH':  all('drop T'),
  // a tombstone: the other side first, so that no frozen content rises again (P2)
  'X-':  all('drop S'),
  'XH':  all('drop T'),
  'XC':  all('drop T'),
  '-X':  all('drop T'),
  'HX':  all('drop S'),
  'CX':  all('drop S'),
  // an announced insert is its client's, unless T turns out to hold the record
  'B-':  all(rest),
  'BH':  all(rest),
  'BO':  all('drop S'),
  'BC':  all('drop S'),
  'BX':  all('drop S'),
  // P1 broken from outside: never chosen silently, and a tombstone is an owner too
  'OO':  all(SPLIT),
  'XO':  all(SPLIT),
  'OX':  all(SPLIT),
  'XX':  all(SPLIT),
  // cannot happen
  'CC':  all(CORRUPT),
  '-B':  all(CORRUPT),
  'OB':  all(CORRUPT),
  'XB':  all(CORRUPT),
  'HB':  all(CORRUPT),
  'CB':  all(CORRUPT),
  'BB':  all(CORRUPT),
};

/** Where S and T fit into one atomic commit, these cells say something else; all others say the same. */
const TOGETHER: Readonly<Record<string, Partial<Record<Target, string>>>> = {
  'O-': { switched: 'pass T, leave ceded', completed: 'pass T, leave nothing' },
  'OH=': { switched: 'pass T, leave ceded', completed: 'pass T, leave nothing' },
  'OH≠': { switched: 'pass T, leave ceded', completed: 'pass T, leave nothing' },
  CO: { home: 'pass S, leave nothing' },
  'HO=': { home: 'pass S, leave nothing' },
  'HO≠': { home: 'pass S, leave nothing' },
  '-O': { home: 'pass S, leave nothing' },
};

/**
 * Every pair there is, of two contents. A shadow's content is always what its fingerprint says: one that a stranger
 * wrote to is outside the protocol.
 */
const ENTITIES: readonly (Entity | null)[] = [
  null,
  tombstone(),
  ...[1, 2].flatMap((value) => [owner(value), ceded(value), birth(value), shadow(value)]),
];
const PAIRS: readonly Pair[] = ENTITIES.flatMap((S) => ENTITIES.map((T) => ({ S, T })));

/** The row of the table that a pair belongs to. */
function rowOf({ S, T }: Pair): string {
  const roles: `${SideRole}${SideRole}` = `${roleOf(S)}${roleOf(T)}`;
  const truth = { OH: S, CH: S, HO: T, HC: T }[roles as string];
  if (!truth) return roles;
  const copy = truth === S ? T : S;
  return `${roles}${copy!.of === truth.value ? '=' : '≠'}`;
}

function inWords(move: Move | null): string {
  if (!move) return rest;
  if (move.type === 'quarantine') return `quarantine ${move.cause}`;
  return move.type === 'pass' ? `pass ${move.at}, leave ${move.leave}` : `${move.type} ${move.at}`;
}

/** Pairs that the engine moves: births are their client's, and a split is never chosen about. */
const movable = PAIRS.filter((pair) => !isSplit(pair) && pair.S?.role !== 'B' && pair.T?.role !== 'B');

describe('the machine is the table', () => {
  test('and the page says the same', () => {
    const page = readFileSync(new URL('../../docs/PROTOCOL.md', import.meta.url), 'utf8');
    const rows = page.matchAll(
      /^\| ([-OHCXB])\/([-OHCXB])(?: ([=≠]))? \| [^|]+ \| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$/gm,
    );
    const said = [...rows].map(([, S, T, mark = '', ...cells]) => [`${S}${T}${mark}`, cells] as const);
    expect(said).toHaveLength(15);
    for (const [row, cells] of said) expect(cells, row).toEqual(TABLE[row]);
  });

  test('the table names every pair once', () => {
    expect(new Set(PAIRS.map(rowOf))).toEqual(new Set(Object.keys(TABLE)));
  });

  test.each(Object.entries(TABLE))('%s', (row, cells) => {
    const pairs = PAIRS.filter((pair) => rowOf(pair) === row);
    for (const pair of pairs) {
      for (const [i, target] of TARGETS.entries()) {
        const state = stateOf(pair);
        expect(inWords(nextMove(state, target, false)), `${show(pair)} under ${target}`).toBe(cells[i]);
        expect(inWords(nextMove(state, target, true)), `${show(pair)} under ${target}, together`).toBe(
          TOGETHER[row]?.[target] ?? cells[i],
        );
      }
    }
  });
});

describe.each(['separate', 'together'] as const)('from every pair, under every target, by the %s path', (mode) => {
  const { decide } = rulesOf(mode);

  test('P1, P2, P4: a sweep alone comes to rest within 12 moves in the right shape, and the truth stays what it was', () => {
    for (const pair of movable) {
      for (const target of TARGETS) expect(sweepAlone(pair, target, decide)).toBeUndefined();
    }
  });

  test('P4: so does one whose target changes before any of its moves', () => {
    for (const pair of movable) {
      for (const before of TARGETS) {
        const move = decide(pair, before);
        if (!move) continue;
        for (const after of TARGETS) expect(sweepAlone(apply(move, pair), after, decide)).toBeUndefined();
      }
    }
  });

  test('P6: towards `copied` a source that owns the record is never written', () => {
    for (const pair of movable.filter(({ S, T }) => S?.role === 'O' && (!T || T.role === 'H'))) {
      const move = decide(pair, 'copied');
      if (move) expect(apply(move, pair).S, show(pair)).toBe(pair.S);
    }
  });

  test('a move leaves behind the state that the machine names', () => {
    for (const pair of PAIRS) {
      for (const target of TARGETS) {
        const state = stateOf(pair);
        const of = (event: string) => evaluate<RecordState, Move>(recordMachine, state, `${event}.${target}`);
        const decision = (mode === 'together' ? of('together') : null) ?? of('want');
        if (!decision) continue;
        const after = stateOf(apply(decision.effects[0]!, pair));
        expect(decision.next, `${show(pair)} under ${target}`).toBe(after);
      }
    }
  });
});

test('P1: a ceded side is never made owner, nor dropped or overwritten before its peer is owner', () => {
  for (const pair of movable) {
    for (const target of TARGETS) {
      for (const together of [false, true]) {
        const move = nextMove(stateOf(pair), target, together);
        if (!move || move.type === 'quarantine') continue;
        const after = apply(move, pair);
        for (const [side, peer] of [
          ['S', 'T'],
          ['T', 'S'],
        ] as const) {
          if (pair[side]?.role !== 'C' || after[side] === pair[side]) continue;
          expect(['O', 'X'], `${show(pair)} became ${show(after)}`).toContain(roleOf(pair[peer]));
        }
      }
    }
  }
});
