import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { recordAt } from '../../examples/feed-reader/lib/records.ts';
import { lmdbStore } from '../../src/store/lmdb.ts';
import { isGone, start } from './program.ts';

const RECORDS = 500;
const ENDS_MS = 120_000;

describe('the demo', { timeout: ENDS_MS }, () => {
  it('moves every user while pages are read and written, a person’s note too; once one record is removed, the proof fails', async () => {
    const demo = start('demo', ['--records', `${RECORDS}`, '--json', '--keep']);
    const [, page] = await demo.says(/the application runs [^\n]*(http:\S+)/, 'err');
    await demo.says(/handover start/, 'err');
    const read = async () => (await fetch(page!)).text();
    const [, path, note] = /action="([^"]+\/(notes\/\d+))"/.exec(await read())!;
    const body = new URLSearchParams({ text: 'Mind the <bridge> & the "gap"' });
    // The demo's own users write, too: one of them may have had the note before it is read again.
    for (let theirs = true; theirs; ) {
      const answer = await fetch(new URL(path!, page), { method: 'POST', body, redirect: 'manual' });
      expect([answer.status, answer.headers.get('location')]).toEqual([303, new URL(page!).pathname]);
      const written = Number(answer.headers.get('visits'));
      const [shown, visits] = new RegExp(`data-record="${note}" data-visits="(\\d+)".*?</li>`, 's').exec(await read())!;
      expect(Number(visits)).toBeGreaterThanOrEqual(written);
      theirs = Number(visits) > written;
      if (!theirs) expect(shown).toContain('Mind the &#60;bridge&#62; &#38; the &#34;gap&#34;');
    }
    for (const nowhere of ['/users/nobody', '/users/AD-02/notes/1', '/users/AD-02/feeds/x', '/users/AD-02/hats/1']) {
      const method = nowhere === '/users/nobody' ? 'GET' : 'POST';
      expect((await fetch(new URL(nowhere, page), { method })).status).toBe(404);
    }

    const { code, out, err } = await demo.ended;
    expect({ code, err }).toMatchObject({ code: 0, err: expect.stringContaining('Nothing lost, nothing doubled') });
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
      requests: expect.any(Number),
      requestsFailed: 0,
      pageP99Ms: expect.any(Number),
      pageWorstMs: expect.any(Number),
      writeP99Ms: expect.any(Number),
      writeWorstMs: expect.any(Number),
      changedTogether: 3,
      recordsPerSecond: expect.any(Number),
    });
    expect(summary['requests']).toBeGreaterThan(summary['acknowledgedWrites']!);
    expect(err).toMatch(
      /records of \S+ changed together +3 +3 +✓\n +changed by one that failed in the middle +0 +0 +✓/,
    );
    expect(summary['acknowledgedWrites']).toBeGreaterThan(0);
    expect(summary['updatesPublished']).toBeGreaterThan(0);
    expect(summary['recordsPerSecond']).toBeGreaterThan(0);

    const [kept, ...more] = readdirSync(demo.temporary);
    expect(more).toEqual([]);
    const folder = join(demo.temporary, kept!);
    const prove = () => start('prove', [], { HANDOVER_DEMO_STORE: folder }).ended;
    expect(await prove()).toMatchObject({ code: 0, err: '' });
    const store = lmdbStore({ path: folder });
    await store.overwrite([], [recordAt(123).into]);
    await store.close();
    expect(await prove()).toMatchObject({ code: 1, out: expect.stringMatching(/gaps +0 +1 +✗/) });
  });

  it('stops at Ctrl-C: no application goes on, no temporary directory stays', async () => {
    const demo = start('demo', ['--records', `${RECORDS}`]);
    const [, pid] = await demo.says(/the application runs \(process (\d+)\)/);
    await demo.says(/handover start/);
    demo.child.kill('SIGINT');
    const { code, err } = await demo.ended;
    expect({ code, err }).toMatchObject({ code: 1, err: expect.stringContaining('Stopped by SIGINT') });
    expect(await isGone(Number(pid), 2000)).toBe(true);
    expect(readdirSync(demo.temporary)).toEqual([]);
  });

  it('is killed without a chance to clean up: the application notices and ends by itself', async () => {
    const demo = start('demo', ['--records', `${RECORDS}`]);
    const [, pid] = await demo.says(/the application runs \(process (\d+)\)/);
    demo.child.kill('SIGKILL');
    await demo.ended;
    expect(await isGone(Number(pid), 5000)).toBe(true);
  });

  it('fails when the application dies, for then nothing is proved', async () => {
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
