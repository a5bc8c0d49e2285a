import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { bytes, duration, table, wrap } from '../../src/cli/format.ts';
import type { Io } from '../../src/cli/io.ts';
import { meterFor } from '../../src/cli/meter.ts';
import { handClock } from '../engine/harness.ts';

function screen(columns?: number) {
  let text = '';
  const err = new Writable({
    write: (chunk, _encoding, done) => {
      text += String(chunk);
      done();
    },
  });
  // As much of a terminal as the bars ask for.
  const terminal = { isTTY: true, columns, cursorTo() {}, clearLine() {}, moveCursor() {} };
  if (columns !== undefined) Object.assign(err, terminal);
  const clock = handClock();
  return { io: { err, clock } as unknown as Io, clock, text: () => text };
}

describe('progress', () => {
  it('is a line a second where there is no terminal', () => {
    const { io, clock, text } = screen();
    const meter = meterFor(io, false);
    for (let i = 0; i <= 30; i++) {
      meter.show({ name: 'feeds.1 copying, sweep 1', done: i * 100, total: i < 15 ? undefined : 6000 });
      clock.advance(100);
    }
    meter.stop();
    expect(text()).toBe(
      'feeds.1 copying, sweep 1: 1,000 records, 1,000/s\nfeeds.1 copying, sweep 1: 33 %, 2,000 of about 6,000, 1,000/s, 4 s left\nfeeds.1 copying, sweep 1: 50 %, 3,000 of about 6,000, 1,000/s, 3 s left\n',
    );
  });

  it('counts its rate from where it came in', () => {
    const { io, clock, text } = screen();
    const meter = meterFor(io, false);
    meter.show({ name: 'sweep', done: 5_000, total: 10_000 });
    clock.advance(2_000);
    meter.show({ name: 'sweep', done: 6_000, total: 10_000 });
    expect(text()).toBe('sweep: 60 %, 6,000 of about 10,000, 500/s, 8 s left\n');
  });

  it('is a bar on a terminal, as wide as fits', () => {
    for (const [columns, drawn] of [
      [120, /█{20}░{20} +50 %/],
      [70, /█{12}░{11} +50 %/],
      [48, /sweep +50 %/],
    ] as const) {
      const { io, clock, text } = screen(columns);
      const meter = meterFor(io, false);
      meter.show({ name: 'sweep', done: 0, total: 1000 });
      clock.advance(1_000);
      meter.show({ name: 'sweep', done: 500, total: 1000 });
      meter.stop();
      expect(text()).toMatch(drawn);
      const [last] = text().split('sweep').at(-1)!.split('\u001b');
      expect(`sweep${last}`.length).toBeLessThan(columns);
    }
  });

  it('is nothing where a machine reads', () => {
    const { io, clock, text } = screen(100);
    const meter = meterFor(io, true);
    meter.show({ name: 'sweep', done: 0, total: 1000 });
    clock.advance(5_000);
    meter.show({ name: 'sweep', done: 500, total: 1000 });
    meter.stop();
    expect(text()).toBe('');
  });
});

describe('what people read', () => {
  it('has numbers with units', () => {
    expect([0, 999, 1_000, 9_960, 123_456, 7_100_000_000].map(bytes)).toEqual([
      '0 bytes',
      '999 bytes',
      '1.0 KB',
      '10.0 KB',
      '123 KB',
      '7.1 GB',
    ]);
    expect([0, 59_400, 60_000, 125_000, 3_600_000, 12_000_000, 90_000_000].map(duration)).toEqual([
      '0 s',
      '59 s',
      '1 min',
      '2 min 5 s',
      '1 h',
      '3 h 20 min',
      '1 d 1 h',
    ]);
  });

  it('stands in columns, and breaks between words', () => {
    expect(
      table(
        [
          ['a', 1_000],
          ['long', 2],
        ],
        '  ',
      ),
    ).toBe('  a     1,000\n  long      2');
    expect(wrap('one two three', 8, '  ')).toBe('  one\n  two\n  three');
  });
});
