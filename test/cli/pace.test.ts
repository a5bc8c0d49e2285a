import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CampaignStatus, Status } from '../../src/admin/inspect.ts';
import { Project } from './project.ts';

let project: Project;
beforeEach(async () => {
  project = new Project();
  await project.seed(30);
});
afterEach(() => project.dispose());

describe('pace', () => {
  it('is set with `start` and changed afterwards, and the history says by whom and why', async () => {
    await project.run('start', '--ceiling', '50');
    const { out } = await project.run('status');
    expect(out).toContain('  pace         nobody works on it just now (50/s allowed)\n');
    const { code, out: changed } = await project.run(
      'pace',
      '--ceiling',
      '7',
      '--ramp',
      '--by',
      'bob',
      '--reason',
      'late',
    );
    expect(code).toBe(0);
    expect(changed).toBe(
      'feeds.1 has a ceiling of 7 operations a second and the ramp from now on.\nNow: nobody works on it just now (7/s allowed).\n',
    );
    const { data } = await project.json<Status>('status');
    expect(data.campaigns[0]).toMatchObject({
      pace: { limit: 'nobody works', workers: 0, perSecond: 0, allowedPerSecond: 7, ceilingPerSecond: 7 },
      history: [{ what: 'start' }, { what: 'pace: ceiling 7, ramp', by: 'bob', reason: 'late' }],
    });
    const none = await project.json<CampaignStatus>('pace', '--ceiling', 'none', '--no-ramp');
    expect(none.data.pace).toEqual({ limit: 'nobody works', workers: 0, perSecond: 0 });
  });

  it('holds while a command waits, and is nothing to speak of once the campaign rests', async () => {
    const before = Date.now();
    // 30 records take 180 operations to be copied and looked over.
    const { data } = await project.json<CampaignStatus>('start', '--wait', '--ceiling', '100', '--no-ramp');
    expect(Date.now() - before).toBeGreaterThan(1_000);
    expect(data).toMatchObject({ stage: 'copied', settled: true });
    expect(data.pace).toBeUndefined();
  });

  it('refuses what says nothing, what is no rate, and a campaign that is over', async () => {
    await project.run('start', '--wait');
    expect(await project.json('pace')).toMatchObject({ code: 2, data: { error: { code: 'usage.invalid' } } });
    for (const rate of ['0', '-1', 'fast', '1.5']) {
      expect(await project.json('pace', '--ceiling', rate)).toMatchObject({ code: 2 });
    }
    await project.run('cancel', '--wait');
    expect(await project.json('pace', '--ceiling', '5')).toMatchObject({
      code: 3,
      data: { error: { code: 'campaign.refused' } },
    });
  });
});
