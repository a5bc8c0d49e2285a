import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/limits.ts';
import { decodeSlot, encodeSlot, type Slot } from '../../src/record/slot.ts';
import { anySlot, text } from './arbitraries.ts';
import { thrownBy } from './throws.ts';

const ENTRY = { seq: 1, move: 'copy T', at: 1_763_840_000_000, by: 'w1' };
const SLOT: Slot = {
  role: 'shadow',
  side: 'T',
  of: 'abc',
  peer: 'Feed:7',
  campaign: 'feeds@1',
  seq: 1,
  journal: [ENTRY],
};
const STORED = '{"v":1,"r":"H","s":"T","f":"abc","p":"Feed:7","c":"feeds@1","n":1,"j":"1 copy T 1763840000000 w1"}';

/** The stored text with some fields changed, or left out where the value is undefined. */
const changed = (fields: Record<string, unknown>) => JSON.stringify({ ...JSON.parse(STORED), ...fields });

describe('a slot', () => {
  it('is short text that people can read', () => {
    expect(encodeSlot(SLOT)).toBe(STORED);
    expect(decodeSlot(STORED)).toEqual(SLOT);
  });

  it('comes back as it was, whatever its peer, campaign, nonce and workers are called', () => {
    fc.assert(
      fc.property(anySlot, (slot) => {
        const stored = encodeSlot(slot);
        expect(decodeSlot(stored)).toEqual(slot);
        expect(JSON.parse(stored)).toMatchObject({ v: 1 });
        expect(encodeSlot(decodeSlot(stored))).toBe(stored);
      }),
      { numRuns: 500 },
    );
  });

  it('says which version of the definition a shadow was made under, where that is not the first', () => {
    const stored = `${STORED.slice(0, -1)},"d":2}`;
    expect(encodeSlot({ ...SLOT, version: 2 })).toBe(stored);
    expect(decodeSlot(stored)).toEqual({ ...SLOT, version: 2 });
    for (const d of [0, 1.5, '2', null]) thrownBy('slot.corrupt', () => decodeSlot(changed({ d })));
    thrownBy('slot.corrupt', () => decodeSlot(changed({ r: 'O', d: 2 })));
    thrownBy('slot.corrupt', () => encodeSlot({ ...SLOT, version: 0 }));
    thrownBy('slot.corrupt', () => encodeSlot({ ...SLOT, role: 'owner', version: 2 }));
  });

  it('survives spaces set by whoever edited it by hand', () => {
    expect(decodeSlot(JSON.stringify(JSON.parse(STORED), null, 2))).toEqual(SLOT);
  });
});

describe('a slot of another version is left alone', () => {
  it.each([2, 3, 1000])('version %s', (v) => {
    const error = thrownBy('slot.version', () => decodeSlot(changed({ v })));
    expect(error.facts).toEqual({ slot: changed({ v }) });
  });

  it('even when it has other fields than ours', () => {
    thrownBy('slot.version', () => decodeSlot('{"v":2,"roles":["H"]}'));
  });
});

describe('a malformed slot', () => {
  it.each<[string, string]>([
    ['nothing', ''],
    ['no JSON', 'owner'],
    ['half of it', STORED.slice(0, 60)],
    ['two of it', STORED + STORED],
    ['null', 'null'],
    ['a number', '1'],
    ['text', '"O"'],
    ['a list', '[]'],
    ['an empty object', '{}'],
    ['no version', changed({ v: undefined })],
    ['a version in quotes', changed({ v: '1' })],
    ['version 0', changed({ v: 0 })],
    ['a version between two', changed({ v: 1.5 })],
    ['no role', changed({ r: undefined })],
    ['an empty role', changed({ r: '' })],
    ['an unknown role', changed({ r: 'Z' })],
    ['a role of two letters', changed({ r: 'OH' })],
    ['a deleted shadow', changed({ r: 'HX' })],
    ['a role that objects have by nature', changed({ r: 'constructor' })],
    ['a list of roles', changed({ r: ['H'] })],
    ['no side', changed({ s: undefined })],
    ['an unknown side', changed({ s: 'B' })],
    ['no fingerprint', changed({ f: undefined })],
    ['a shadow of nothing', changed({ f: '' })],
    ['ceded at nothing', changed({ r: 'C', f: '' })],
    ['a fingerprint that is a number', changed({ f: 7 })],
    ['no peer', changed({ p: undefined })],
    ['a peer that is null', changed({ p: null })],
    ['no campaign', changed({ c: undefined })],
    ['no sequence number', changed({ n: undefined })],
    ['a negative sequence number', changed({ n: -1 })],
    ['a fractional sequence number', changed({ n: 1.5 })],
    ['a sequence number in quotes', changed({ n: '1' })],
    ['a sequence number beyond what a number holds', STORED.replace('"n":1', '"n":9007199254740993')],
    ['no journal', changed({ j: undefined })],
    ['a journal that is a list', changed({ j: [] })],
    ['a journal of one word', changed({ j: 'copied' })],
    ['a journal entry without a worker', changed({ j: '1 copy T 1763840000000' })],
    ['a journal entry without a number', changed({ j: 'x copy T 1763840000000 w1' })],
    ['a journal entry without a time', changed({ j: '1 copy T yesterday w1' })],
    ['an empty journal entry', changed({ j: '1 copy T 1763840000000 w1;' })],
    ['a nonce that is a number', changed({ w: 7 })],
    ['a nonce that is null', changed({ w: null })],
    ['a field of a later version', changed({ lease: 'w2' })],
  ])('%s is refused, and shown', (_, stored) => {
    const error = thrownBy('slot.corrupt', () => decodeSlot(stored));
    expect(error.facts).toEqual({ slot: stored.slice(0, 500) });
  });

  it('of a megabyte is not repeated in the error', () => {
    expect(thrownBy('slot.corrupt', () => decodeSlot('x'.repeat(1_000_000))).message.length).toBeLessThan(1_000);
  });

  it('never fails but by a code', () => {
    const damaged = fc.tuple(anySlot, fc.nat(), text).map(([slot, where, put]) => {
      const stored = encodeSlot(slot);
      const at = where % stored.length;
      return stored.slice(0, at) + put + stored.slice(at + 1);
    });
    fc.assert(
      fc.property(damaged, (stored) => {
        try {
          const slot = decodeSlot(stored);
          if (slot.journal.length <= LIMITS.journalEntries) expect(decodeSlot(encodeSlot(slot))).toEqual(slot);
        } catch (error) {
          expect(['slot.corrupt', 'slot.version']).toContain((error as { code: string }).code);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('a slot that nobody could read back is not written', () => {
  const entry = (fields: Partial<Slot['journal'][number]>): Partial<Slot> => ({ journal: [{ ...ENTRY, ...fields }] });
  it.each<[string, Partial<Slot>]>([
    ['a deleted shadow', { deleted: true }],
    ['a shadow of nothing', { of: '' }],
    ['ceded at nothing', { role: 'ceded', of: '' }],
    ['a sequence number that is none', { seq: Number.NaN }],
    ['a journal too long', { journal: new Array(LIMITS.journalEntries + 1).fill(ENTRY) }],
    ['a worker whose name would split the journal', entry({ by: 'w1;w2' })],
    ['a worker without a name', entry({ by: '' })],
    ['a move of one word', entry({ move: 'copy' })],
    ['a move that would split the journal', entry({ move: 'copy T;' })],
    ['a time that is none', entry({ at: Number.NaN })],
    ['a fraction of a millisecond', entry({ at: 0.5 })],
    ['an entry before the first', entry({ seq: -1 })],
  ])('%s', (_, fields) => {
    thrownBy('slot.corrupt', () => encodeSlot({ ...SLOT, ...fields }));
  });
});
