import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CampaignStatus, Status } from '../../src/admin/inspect.ts';
import { loadConfig } from '../../src/define/load.ts';
import type { VerifyReport } from '../../src/engine/verify.ts';
import { key } from '../../src/record/key.ts';
import { toPlain } from '../../src/record/plain.ts';
import { Router } from '../../src/router/router.ts';
import { feedOf, Project } from './project.ts';

const RECORDS = 1200;
let project: Project;
beforeEach(async () => {
  project = new Project();
  await project.seed(RECORDS);
});
afterEach(() => project.dispose());

const statusOf = async (): Promise<CampaignStatus> =>
  (await project.json<Status>('status', 'feeds')).data.campaigns[0]!;

describe('a campaign by command line', () => {
  it('goes from start to complete, and every step verifies clean', async () => {
    const steps: [string[], CampaignStatus['stage'], Record<string, number>][] = [
      [['start'], 'copied', { copied: RECORDS }],
      [['switch'], 'switched', { switched: RECORDS }],
      [['complete'], 'completed', { completed: RECORDS }],
    ];
    for (const [args, stage, states] of steps) {
      const { code, data } = await project.json<CampaignStatus>(...args, 'feeds', '--wait');
      expect({ code, stage: data.stage, states: data.states }).toEqual({ code: 0, stage, states });
      const verified = await project.json<VerifyReport>('verify', 'feeds');
      expect(verified.code).toBe(0);
      expect(verified.data).toMatchObject({
        clean: true,
        started: RECORDS,
        completed: RECORDS,
        duplicates: 0,
        gaps: 0,
      });
    }
    await project.withStore(async (store) => {
      const [old, now] = await store.read([key('Feed', 9), key('User', 'u2', 'Feed', 9)]);
      expect(old).toBeUndefined();
      expect(toPlain(now!.content.properties)).toEqual(feedOf(9));
    });
  });

  it('is waited for although the store does not answer now and then', async () => {
    project.write(
      'handover.config.ts',
      `import { defineConfig, HandoverError } from 'handover';
       import { lmdbStore } from 'handover/store/lmdb';
       const store = lmdbStore({ path: 'DATA' });
       let reads = 0;
       const silent = () => new HandoverError('store.unknown', 'The answer was lost.');
       export default defineConfig({
         store: () => ({
           ...store,
           // Not the first ones, which are the command's own.
           read: async (keys) => {
             if (++reads > 60 && reads % 9 === 0) throw silent();
             return store.read(keys);
           },
         }),
       });`,
    );
    expect(await project.run('start', '--wait')).toMatchObject({ code: 0 });
  });

  it('ends without a trace: complete --strip takes the state off, and verify says that it cannot tell any more', async () => {
    await project.run('start', '--to', 'switched', '--wait');
    const { data } = await project.json<CampaignStatus>('complete', '--strip', '--wait');
    expect(data).toMatchObject({ closed: true, strip: { stripped: RECORDS, left: 0 } });
    await project.withStore(async (store) => {
      const { entities } = await store.scan({ namespace: '', kind: 'Feed', rootKind: 'User' }, RECORDS + 1);
      expect(entities.map(({ slot }) => slot)).toEqual(Array(RECORDS).fill(undefined));
    });
    expect(await project.run('verify')).toMatchObject({ code: 3 });
    const ordered = await project.run('strip', '--reason', 'the router has written since');
    expect(ordered.out).toContain('to be stripped');
    expect((await project.run('status')).out).toMatch(/stripped +0 entities, so far\n +next +a worker takes/);
    expect(await project.json('work', '--until-settled')).toMatchObject({ code: 0 });
    expect((await project.run('status')).out).toMatch(/stripped +0 entities\n +next +nothing/);
    await project.run('start', '--wait');
    expect(await project.run('strip')).toMatchObject({ code: 3 });
  });

  it('only writes the target without --wait, and a worker does the rest', async () => {
    const ordered = await project.json<CampaignStatus>('start');
    expect(ordered.data).toMatchObject({ stage: 'copying', settled: false, states: {} });
    await project.withStore(async (store) => {
      expect((await store.scan({ namespace: '', kind: 'Feed', rootKind: 'User' }, 1)).entities).toEqual([]);
    });
    const worked = await project.json('work', '--until-settled');
    expect(worked).toMatchObject({ code: 0, data: { moves: RECORDS, held: [] } });
    expect(await statusOf()).toMatchObject({ stage: 'copied', settled: true, switchGateOpen: true });
  });

  it('sends a share, and status agrees with a count of every record', async () => {
    await project.run('start', '--wait');
    const { data } = await project.json<CampaignStatus>('switch', '--share', '25', '--wait');
    expect(data.targets).toEqual([
      { below: 25, target: 'switched' },
      { below: 100, target: 'copied' },
    ]);
    const counted = await project.json<{ records: number; states: Record<string, number> }>('records', '--count');
    expect(counted.data).toEqual({ records: RECORDS, states: data.states });
    expect(data.states['switched']).toBeGreaterThan(RECORDS / 8);
    expect(data.states['switched']).toBeLessThan(RECORDS / 2);
  });

  it('status agrees with a count while each half of a completing campaign is done', async () => {
    await project.run('start', '--to', 'switched', '--wait');
    await project.run('complete', '--share', '50', '--wait');
    const counted = await project.json<{ states: Record<string, number> }>('records', '--count');
    expect((await statusOf()).states).toEqual(counted.data.states);
    expect((await statusOf()).records).toBe(RECORDS);
  });

  it('reverses with what was written since, then cancels and leaves everything at home', async () => {
    await project.run('start', '--to', 'switched', '--wait');
    const { migrations } = await loadConfig(undefined, project.folder);
    await project.withStore(async (store) => {
      const router = new Router({ store, rule: migrations[0]!.records[0]! });
      const address = { from: key('Feed', 9), into: key('User', 'u2', 'Feed', 9) };
      await router.update(address, (feed) => ({ ...feed, title: 'written after the switch' }));
    });
    const reversed = await project.json<CampaignStatus>(
      'reverse',
      '--wait',
      '--reason',
      'second thoughts',
      '--by',
      'bob',
    );
    expect(reversed.data).toMatchObject({ stage: 'home', states: { atHome: RECORDS } });
    expect(reversed.data.history.at(-1)).toMatchObject({ by: 'bob', what: 'reverse', reason: 'second thoughts' });
    const cancelled = await project.json<CampaignStatus>('cancel', '--wait');
    expect(cancelled).toMatchObject({ code: 0, data: { stage: 'cancelled', closed: true } });
    await project.withStore(async (store) => {
      const [old, now] = await store.read([key('Feed', 9), key('User', 'u2', 'Feed', 9)]);
      expect(toPlain(old!.content.properties)['title']).toBe('written after the switch');
      expect(now).toBeUndefined();
    });
  });

  it('says who commanded: the user, unless --by says otherwise', async () => {
    await project.run('start');
    await project.run('pause', '--reason', 'lunch');
    await project.run('resume', '--by', 'bob');
    const { history } = await statusOf();
    expect(history.map(({ by, what, reason }) => [by, what, reason])).toEqual([
      ['ann', 'start', undefined],
      ['ann', 'pause', 'lunch'],
      ['bob', 'resume', undefined],
    ]);
  });
});

describe('waiting', () => {
  it('ends with 5 when the campaign is paused', async () => {
    await project.run('start');
    await project.run('pause', '--reason', 'lunch');
    const { code, out } = await project.run('start', '--wait');
    expect(code).toBe(5);
    expect(out).toContain('copying, paused: lunch');
  });

  it('ends with 6 when it is interrupted, and the campaign goes on elsewhere', async () => {
    const waiting = project.interruptible(['start', '--wait']);
    await new Promise((resolve) => setImmediate(resolve));
    waiting.interrupt();
    const { code, err, out } = await waiting.ended;
    expect({ code, out }).toEqual({ code: 6, out: '' });
    expect(err).toContain('wait.interrupted\n  Stopped while feeds.1 was copying; the page under way was finished.\n');
    expect(err).toContain('It goes on where a worker runs.');
    expect((await project.run('work', '--until-settled')).code).toBe(0);
    expect((await statusOf()).states).toEqual({ copied: RECORDS });
  });

  it('shows nothing but the answer with --json', async () => {
    const { err } = await project.json('start', '--wait');
    expect(err).toBe('');
  });
});

describe('a worker', () => {
  it('that is interrupted before everything is settled says so', async () => {
    await project.run('start');
    const working = project.interruptible(['work', '--until-settled']);
    await new Promise((resolve) => setImmediate(resolve));
    working.interrupt();
    const { code, err } = await working.ended;
    expect(code).toBe(6);
    expect(err).toContain('Stopped before every campaign was settled.');
  });

  it('logs events on standard error, and stops at a signal', async () => {
    await project.run('start');
    const stop = { now: () => {} };
    const working = project.interruptible(['work'], (text) => {
      if (text.includes('"clean":true')) stop.now();
    });
    stop.now = working.interrupt;
    const { code, out, err } = await working.ended;
    expect(code).toBe(0);
    expect(out).toMatch(/^w\w+ looked at [\d,]+ records/);
    const events = err
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: string });
    expect(events.map(({ event }) => event)).toEqual([
      'worker.started',
      'move.made',
      'campaign.swept',
      'campaign.swept',
      'worker.stopped',
    ]);
  });
});
