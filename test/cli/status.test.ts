import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Status } from '../../src/admin/inspect.ts';
import { expectedIn } from '../../src/admin/sweepStatus.ts';
import { statesOf } from '../../src/engine/counts.ts';
import { type Progress, planName } from '../../src/engine/ranges.ts';
import type { CampaignDocument, SweepDocument } from '../../src/engine/schemas.ts';
import { memoryStore } from '../../src/store/memory.ts';
import { FEEDS, Project } from './project.ts';

describe('status', () => {
  let project: Project;
  beforeEach(async () => {
    project = new Project();
    await project.seed(60);
  });
  afterEach(() => project.dispose());

  it('before the first campaign names what could be started', async () => {
    expect(await project.run('status')).toEqual({
      code: 0,
      out: 'There is no campaign yet.\n\nfeeds version 1: never started. See what it would do: handover plan feeds\n',
      err: '',
    });
    expect((await project.json('status')).data).toEqual({
      campaigns: [],
      unstarted: [{ name: 'feeds', version: 1, after: [] }],
    });
  });

  it('says where a campaign stands, and what to do next', async () => {
    await project.run('start', '--wait', '--reason', 'one group per user');
    const { out } = await project.run('status');
    expect(out.replace(/\d{4}-\S+ \S+Z/, 'THEN')).toBe(`feeds.1  copied, settled
  wanted       copied, all
  sweep        2: 120 seen, 0 moved
  records      60: copied 60
  quarantined  none
  next         handover verify feeds, then handover switch feeds
  history      THEN  start by ann: one group per user
`);
  });

  it('shows every campaign of a migration, and the newest is the one that commands mean', async () => {
    await project.run('start', '--wait');
    await project.run('cancel', '--wait');
    await project.run('start', '--wait');
    const { data } = await project.json<Status>('status', 'feeds');
    expect(data.campaigns.map(({ campaign, stage }) => [campaign, stage])).toEqual([
      ['feeds.1', 'cancelled'],
      ['feeds.2', 'copied'],
    ]);
    expect((await project.json<Status>('status', 'feeds.1')).data.campaigns).toHaveLength(1);
  });

  it('counts groups by state, where a campaign goes by groups', async () => {
    project.write('migrations/feeds.ts', FEEDS.replace('version: 1', "version: 1,\n  by: 'group'"));
    await project.run('start', '--wait');
    await project.run('switch', '--wait');
    const { data } = await project.json<Status>('status');
    expect(data.campaigns[0]).toMatchObject({
      states: { switched: 60 },
      groups: { gathering: 0, moving: 0, whole: 7 },
    });
    expect((await project.run('status')).out).toContain('  groups       whole 7');
    expect((await project.json('show', 'feeds', 'User:u1')).data).toMatchObject({ kind: 'group', state: 'whole' });
  });
});

describe('counts of a sweep', () => {
  it('count each record once', () => {
    expect(statesOf({ seen: 9, moved: 3, 'S.copied': 5, 'S.switched': 2, 'T.completed': 4 })).toEqual({
      copied: 5,
      switched: 2,
      completed: 4,
    });
  });

  it('count what was completed just now by either home', () => {
    expect(statesOf({ 'S.completed': 4 })).toEqual({ completed: 4 });
    expect(statesOf({ 'S.completed': 4, 'T.completed': 6 })).toEqual({ completed: 6 });
  });
});

describe('what a sweep will come to', () => {
  const campaign = {
    generation: 1,
    sweep: 2,
    targets: [{ below: 100, target: 'copied' }],
  } as unknown as CampaignDocument;
  const { capabilities } = memoryStore();
  const about = (byGroup: boolean) => ({ byGroup, capabilities });
  const ranges = (...homes: ('S' | 'T')[]) =>
    ({ ranges: homes.map((home) => ({ rule: 0, home })) }) as unknown as SweepDocument;
  const progress = (...seen: (number | undefined)[]) =>
    ({
      ranges: seen.map((n, index) => ({
        name: planName(index),
        stored: n === undefined ? undefined : { value: { done: n >= 0, counts: { seen: Math.abs(n) } } },
      })),
      counts: {},
    }) as unknown as Progress;

  it('is what ranges like it came to', () => {
    const sweep = ranges('S', 'S', 'S', 'S', 'T', 'T');
    expect(expectedIn(campaign, sweep, progress(100, 110, -30, undefined, undefined, undefined), about(false))).toBe(
      630,
    );
    expect(expectedIn(campaign, sweep, progress(100, 100, 100, 100, 7, undefined), about(false))).toBe(414);
  });

  it('is never less than what was seen', () => {
    expect(expectedIn(campaign, ranges('S', 'S'), progress(100, -180), about(false))).toBe(280);
  });

  it('is what the sweep before saw, or not known, while no range is done', () => {
    expect(expectedIn(campaign, ranges('S', 'T'), progress(undefined, undefined), about(false))).toBeUndefined();
    const later = { ...campaign, lastSweep: { generation: 1, counts: { seen: 900 } } } as unknown as CampaignDocument;
    expect(expectedIn(later, ranges('S', 'T'), progress(0, -30), about(false))).toBe(900);
  });

  it('leaves the new homes out where a first look will skip them', () => {
    const first = { ...campaign, sweep: 1 } as CampaignDocument;
    const moved = { ...progress(100, undefined, undefined), counts: { seen: 100, moved: 100 } } as Progress;
    expect(expectedIn(first, ranges('S', 'S', 'T'), moved, about(false))).toBe(200);
    expect(expectedIn(first, ranges('S', 'S', 'T'), moved, about(true))).toBe(300);
  });
});
