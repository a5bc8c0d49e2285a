import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isGone, start } from './program.ts';

const RECORDS = 400;
const ENDS_MS = 120_000;
/** Nobody watches. */
const HURRY = ['--records', `${RECORDS}`, '--ceiling', '100000'];

const answers = (url: string): Promise<boolean> =>
  fetch(`${url}livez`).then(
    () => true,
    () => false,
  );

async function isSilent(url: string): Promise<boolean> {
  for (const until = Date.now() + 10_000; Date.now() < until; ) if (!(await answers(url))) return true;
  return false;
}

describe('the demo with --serve', { timeout: ENDS_MS }, () => {
  it('shows its campaign while it runs and when it is over, until Ctrl-C; then it has been a success', async () => {
    const demo = start('demo', [...HURRY, '--serve', '--json']);
    const [, url] = await demo.says(/The page: (http:\/\/127\.0\.0\.1:\d+\/)\n[^\n]*No token is asked for/, 'err');
    const [, application] = await demo.says(/the application runs \(process (\d+)\)/, 'err');
    const page = await fetch(url!);
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('<title>handover')]);
    const campaign = async () =>
      (await (await fetch(`${url}v1/campaigns/feeds-under-users`)).json()) as Record<string, unknown>;
    await demo.says(/handover switch/, 'err');
    expect(await campaign()).toMatchObject({ campaign: 'feeds-under-users.1', closed: false });

    await demo.says(/Ctrl-C ends it/, 'err');
    expect(await campaign()).toMatchObject({
      stage: 'completed',
      closed: true,
      sweep: { counts: { 'T.completed': RECORDS } },
    });
    expect(await isGone(Number(application), 2000)).toBe(true);
    const summary = JSON.parse((await demo.says(/^\{.*\}$/m))[0]) as Record<string, number>;
    expect(summary).toMatchObject({ started: RECORDS, completed: RECORDS });

    demo.child.kill('SIGINT');
    expect(await demo.ended).toMatchObject({ code: 0 });
    expect(await answers(url!)).toBe(false);
    expect(readdirSync(demo.temporary)).toEqual([]);
  });

  it('says why, where its port is taken; stops at Ctrl-C in the midst of it, and the page with it', async () => {
    const demo = start('demo', [...HURRY, '--serve']);
    const [, url] = await demo.says(/The page: (\S+)/);
    const second = await start('demo', [...HURRY, '--serve', '--port', new URL(url!).port]).ended;
    expect(second).toMatchObject({ code: 1, err: expect.stringContaining('EADDRINUSE') });
    demo.child.kill('SIGINT');
    const { code, err } = await demo.ended;
    expect({ code, err }).toMatchObject({ code: 1, err: expect.stringContaining('Stopped by SIGINT') });
    expect(await isSilent(url!)).toBe(true);
    expect(readdirSync(demo.temporary)).toEqual([]);
  });

  it('waits for whoever pauses it on the page; killed without a chance to clean up, it takes the server along', async () => {
    const demo = start('demo', ['--records', `${RECORDS}`, '--ceiling', `${RECORDS}`, '--serve']);
    const [, url] = await demo.says(/The page: (\S+)/);
    await demo.says(/handover start/);
    const order = (verb: string) =>
      fetch(`${url}v1/campaigns/feeds-under-users/${verb}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'if-match': '*' },
        body: JSON.stringify({ reason: 'to look at it' }),
      });
    while ((await order('pause')).status === 404) await demo.says(/handover start/);
    await demo.says(/paused/);
    expect((await order('resume')).status).toBe(200);
    await demo.says(/handover switch/);
    demo.child.kill('SIGKILL');
    await demo.ended;
    expect(await isSilent(url!)).toBe(true);
  });
});
