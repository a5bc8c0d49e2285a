import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { recordAt } from '../../examples/feed-reader/lib/records.ts';
import { lmdbStore } from '../../src/store/lmdb.ts';
import { isGone, start } from './program.ts';

const RECORDS = 2000;
const ENDS_MS = 120_000;

describe('the demo', { timeout: ENDS_MS }, () => {
  it('moves every record while a writer is at work, proves it, and leaves nothing behind', async () => {
    const demo = start('demo', ['--records', `${RECORDS}`, '--json']);
    const { code, out, err } = await demo.ended;
    expect({ code, err }).toMatchObject({ code: 0, err: expect.stringContaining('The proof') });
    const summary = JSON.parse(out.trim().split('\n').at(-1)!) as Record<string, number>;
    expect(summary).toEqual({
      started: RECORDS,
      completed: RECORDS,
      quarantined: 0,
      inFlight: 0,
      duplicates: 0,
      gaps: 0,
      acknowledgedWrites: expect.any(Number),
      writesFound: summary['acknowledgedWrites'],
      subscriptions: RECORDS / 500,
      updatesPublished: expect.any(Number),
      updatesApplied: summary['updatesPublished'],
      recordsPerSecond: expect.any(Number),
    });
    expect(summary['acknowledgedWrites']).toBeGreaterThan(0);
    expect(summary['updatesPublished']).toBeGreaterThan(0);
    expect(summary['recordsPerSecond']).toBeGreaterThan(0);
    expect(readdirSync(demo.temporary)).toEqual([]);
  });

  it('keeps the store when it is asked to; once one record of it is removed, the proof fails', async () => {
    const demo = start('demo', ['--records', '500', '--keep']);
    expect(await demo.ended).toMatchObject({ code: 0, err: '' });
    const folder = join(demo.temporary, readdirSync(demo.temporary)[0]!);
    const prove = () => start('prove', [], { HANDOVER_DEMO_STORE: folder }).ended;
    expect(await prove()).toMatchObject({ code: 0, err: '' });

    const store = lmdbStore({ path: folder });
    await store.overwrite([], [recordAt(123).into]);
    await store.close();
    const { code, out } = await prove();
    expect({ code, out }).toMatchObject({ code: 1, out: expect.stringMatching(/gaps +0 +1 +✗/) });
  });

  it('stops at Ctrl-C: no writer goes on, no temporary directory stays', async () => {
    const demo = start('demo', ['--records', `${RECORDS}`]);
    const [, pid] = await demo.says(/the application runs \(process (\d+)\)/);
    await demo.says(/handover switch/);
    demo.child.kill('SIGINT');
    const { code, err } = await demo.ended;
    expect({ code, err }).toMatchObject({ code: 1, err: expect.stringContaining('Stopped by SIGINT') });
    expect(await isGone(Number(pid), 2000)).toBe(true);
    expect(readdirSync(demo.temporary)).toEqual([]);
  });

  it('is killed without a chance to clean up: the writer notices and ends by itself', async () => {
    const demo = start('demo', ['--records', `${RECORDS}`]);
    const [, pid] = await demo.says(/the application runs \(process (\d+)\)/);
    demo.child.kill('SIGKILL');
    await demo.ended;
    expect(await isGone(Number(pid), 5000)).toBe(true);
  });

  it('fails when the writer dies, for then nothing is proved', async () => {
    const demo = start('demo', ['--records', `${RECORDS}`]);
    const [, pid] = await demo.says(/the application runs \(process (\d+)\)/);
    process.kill(Number(pid), 'SIGKILL');
    const { code, err } = await demo.ended;
    expect({ code, err }).toMatchObject({ code: 1, err: expect.stringContaining('ended by itself: SIGKILL') });
    expect(readdirSync(demo.temporary)).toEqual([]);
  });

  it.each([['0'], ['-1'], ['1.5'], ['many']])('refuses --records %s', async (records) => {
    const { code, err } = await start('demo', [`--records=${records}`]).ended;
    expect({ code, err }).toMatchObject({ code: 2, err: expect.stringContaining('--records is a whole number') });
  });
});
