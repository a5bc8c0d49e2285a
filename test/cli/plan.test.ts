import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { entity } from '../../src/define/entity.ts';
import { defineMigration } from '../../src/define/migration.ts';
import { type PlanReport, plan, readOnlyStore } from '../../src/engine/plan.ts';
import { LIMITS } from '../../src/limits.ts';
import { type Key, key } from '../../src/record/key.ts';
import { memoryStore } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/store.ts';
import { content, feedOf, Project } from './project.ts';

interface Feed {
  user: string;
  title: string;
}

const to = (feed: Feed, old: Key) => key('User', feed.user, 'Feed', old.id);
const migrationWith = (definition: object = {}) =>
  defineMigration({
    name: 'feeds',
    version: 1,
    records: [entity<Feed>({ from: 'Feed', into: 'User/Feed', to, ...definition })],
  });

async function storeOf(records: readonly object[], options: Parameters<typeof memoryStore>[0] = {}): Promise<Store> {
  const store = memoryStore(options);
  await store.overwrite(records.map((record, i) => ({ key: key('Feed', i + 1), content: content(record) })));
  return store;
}

const feeds = (n: number) => Array.from({ length: n }, (_, i) => feedOf(i + 1));

describe('a plan', () => {
  it('counts records and bytes over several pages, and prices the journey', async () => {
    const n = LIMITS.pageSize * 2 + 7;
    const report = await plan(await storeOf(feeds(n)), migrationWith());
    expect(report).toMatchObject({ seen: n, records: n, inFlight: 0, short: 0, problems: {}, inexact: { count: 0 } });
    expect(report.rules).toMatchObject([
      { from: 'Feed', into: 'User/Feed', reversible: true, records: n, bytes: report.bytes },
    ]);
    expect(report.bytes).toBeGreaterThan(n * 20);
    expect(report.cost).toEqual({
      stepwise: { reads: 14 * n, writes: 3 * n, deletes: n },
      inOneGo: { reads: 2 * n, writes: 3 * n, deletes: n },
      full: { reads: 2 * n, writes: 3 * n, deletes: n },
      short: { reads: 2 * n, writes: n, deletes: n },
    });
  });

  it('takes the short path where the store commits both homes at once', async () => {
    const report = await plan(await storeOf(feeds(5), { capabilities: { atomic: 'any' } }), migrationWith());
    expect(report.short).toBe(5);
    expect(report.cost.inOneGo).toEqual({ reads: 10, writes: 5, deletes: 5 });
  });

  it('lists what fails by its code, with samples, and goes on with the others', async () => {
    const failing = migrationWith({
      to: (feed: Feed, old: Key) => {
        if (feed.title === 'feed 2') throw new Error('no user');
        return to(feed, old);
      },
      forward: (feed: Feed) => {
        if (feed.title === 'feed 3') throw new Error('no title');
        return feed;
      },
      backward: (feed: Feed) => {
        if (feed.title === 'feed 4') throw new Error('no way back');
        return feed;
      },
    });
    const report = await plan(await storeOf(feeds(9)), failing);
    expect(report.problems).toEqual({
      'transform.to': { count: 1, samples: [{ key: 'Feed:2', message: 'Feed:2: no user.' }] },
      'transform.forward': { count: 1, samples: [{ key: 'Feed:3', message: 'Feed:3: no title.' }] },
      'transform.backward': { count: 1, samples: [{ key: 'Feed:4', message: 'Feed:4: no way back.' }] },
    });
    expect(report.records).toBe(8);
  });

  it('finds transforms that are not the same twice', async () => {
    let calls = 0;
    const unstable = migrationWith({ to: (feed: Feed) => key('User', feed.user, 'Feed', ++calls) });
    expect((await plan(await storeOf(feeds(3)), unstable)).problems).toMatchObject({
      'transform.unstable': { count: 3 },
    });
    const restless = migrationWith({ forward: (feed: Feed) => ({ ...feed, at: ++calls }) });
    expect((await plan(await storeOf(feeds(3)), restless)).problems).toMatchObject({
      'transform.forward': { count: 3 },
    });
  });

  it('counts records that would not come back as they were', async () => {
    const lossy = migrationWith({
      forward: (feed: Feed) => ({ ...feed, title: feed.title.toUpperCase() }),
      backward: (feed: Feed) => ({ ...feed, title: feed.title.toLowerCase() }),
    });
    const report = await plan(await storeOf([...feeds(3), { user: 'ann', title: 'Mixed Case' }]), lossy);
    expect(report.inexact).toMatchObject({ count: 1, samples: [{ key: 'Feed:4' }] });
    expect(report.problems).toEqual({});
  });

  it('finds keys that are taken, and records that want the same one', async () => {
    const store = await storeOf(feeds(4));
    await store.overwrite([{ key: key('User', 'u2', 'Feed', 2), content: content({ stranger: true }) }]);
    expect((await plan(store, migrationWith())).problems).toMatchObject({
      'target.occupied': { count: 1, samples: [{ key: 'Feed:2' }] },
    });
    const same = migrationWith({ to: (feed: Feed) => key('User', feed.user, 'Feed', 1) });
    const twice = await storeOf([feedOf(1), feedOf(8), feedOf(2)]);
    expect((await plan(twice, same)).problems).toMatchObject({
      'target.collision': { count: 1, samples: [{ key: 'Feed:2' }] },
    });
  });

  it('finds records that would be too large, the slot they carry on the way included', async () => {
    const limit = { capabilities: { maxEntityBytes: 2_000 } };
    const title = (bytes: number) => ({ user: 'ann', title: 'x'.repeat(bytes) });
    const store = await storeOf([title(100), title(1_900)], limit);
    const report = await plan(store, migrationWith());
    expect(report.problems).toMatchObject({ 'entity.tooLarge': { count: 1, samples: [{ key: 'Feed:2' }] } });
    const growing = migrationWith({ forward: (feed: Feed) => ({ ...feed, more: 'x'.repeat(3_000) }) });
    expect((await plan(store, growing)).problems).toMatchObject({ 'entity.tooLarge': { count: 2 } });
  });

  it('tries a sample, and counts all', async () => {
    let tried = 0;
    const counting = migrationWith({
      forward: (feed: Feed) => {
        tried++;
        return feed;
      },
    });
    const report = await plan(await storeOf(feeds(1000)), counting, { sample: 10 });
    expect(report).toMatchObject({ records: 1000, sample: 10 });
    expect(tried / 2).toBeGreaterThan(50);
    expect(tried / 2).toBeLessThan(170);
  });

  it('stops at a signal', async () => {
    const abort = new AbortController();
    const store = await storeOf(feeds(LIMITS.pageSize * 3));
    const planning = plan(store, migrationWith(), { signal: abort.signal, onProgress: () => abort.abort() });
    await expect(planning).rejects.toMatchObject({ code: 'wait.interrupted' });
  });

  it('cannot write: that is the store it is given, not a promise', async () => {
    const store = await storeOf(feeds(2));
    const reader = readOnlyStore(store);
    for (const write of [() => reader.commit([]), () => reader.commitTogether([]), () => reader.overwrite([])]) {
      await expect(write()).rejects.toMatchObject({ code: 'store.readOnly' });
    }
    expect((await reader.read([key('Feed', 1)]))[0]).toBeDefined();
  });
});

describe('handover plan', () => {
  let project: Project;
  beforeEach(async () => {
    project = new Project();
    await project.seed(40);
  });
  afterEach(() => project.dispose());

  it('says what a migration would meet and cost, and what comes next', async () => {
    const { code, out } = await project.run('plan');
    expect(code).toBe(0);
    expect(out).toBe(`feeds version 1: 40 records at home.

  Feed to User/Feed  40  ${out.match(/[\d.]+ KB/)![0]}

lmdb cannot commit both homes of a record at once: the full path.

Entity operations, without live traffic:
                           reads  writes  deletes
  start, switch, complete    560     120       40
  start --to completed        80     120       40

No problem was found. Next: handover start feeds
`);
  });

  it('lists what would be quarantined', async () => {
    await project.put(key('Feed', 41), { title: 'of nobody' });
    await project.put(key('User', 'u2', 'Feed', 9), { stranger: true });
    const { code, out } = await project.run('plan');
    expect(code).toBe(0);
    expect(out).toContain('2 records could not be moved, and would be quarantined:\n');
    expect(out).toContain('  target.occupied: 1\n    Feed:9 maps to User:u2/Feed:9');
    expect(out).not.toContain('No problem was found');
  });

  it('tells what a campaign has in hand from what is in its way', async () => {
    await project.run('start', '--share', '50', '--wait');
    const { data } = await project.json<PlanReport>('plan');
    expect(data.problems).toEqual({});
    expect(data.records + data.inFlight).toBe(40);
    expect(data.inFlight).toBeGreaterThan(5);
    await project.run('start', '--wait');
    await project.run('switch', '--wait');
    expect((await project.json<PlanReport>('plan')).data).toMatchObject({ records: 0, inFlight: 40, problems: {} });
  });

  it('writes nothing', async () => {
    const before = await everything(project);
    await project.run('plan', '--sample', '50');
    expect(await everything(project)).toEqual(before);
  });
});

async function everything(project: Project): Promise<unknown> {
  return project.withStore(async (store) => {
    const kinds = ['Feed', 'User', '_HandoverCampaign', '_HandoverProbe'];
    const pages = await Promise.all(kinds.map((kind) => store.scan({ namespace: '', kind }, 1000)));
    return pages.map(({ entities }) => entities.map(({ key, version }) => [key.toString(), version]));
  });
}
