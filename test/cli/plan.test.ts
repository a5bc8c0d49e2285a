import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { entity } from '../../src/define/entity.ts';
import { defineMigration } from '../../src/define/migration.ts';
import { plan } from '../../src/engine/plan.ts';
import type { PlanReport } from '../../src/engine/planReport.ts';
import { LIMITS } from '../../src/limits.ts';
import { type Key, key } from '../../src/record/key.ts';
import { memoryStore } from '../../src/store/memory.ts';
import { PRICE_LISTS, pricesOf } from '../../src/store/prices.ts';
import { readOnlyStore } from '../../src/store/readOnly.ts';
import type { Store } from '../../src/store/store.ts';
import { CONFIG, content, feedOf, Project } from './project.ts';

interface Feed {
  user: string;
  title: string;
}

const to = (feed: Feed, old: Key) => key('User', feed.user, 'Feed', old.id);
const migrationWith = (definition: object = {}, by: 'record' | 'group' = 'record') =>
  defineMigration({
    name: 'feeds',
    version: 1,
    by,
    records: [entity<Feed>({ from: 'Feed', into: 'User/Feed', to, ...definition })],
  });

async function storeOf(records: readonly object[], options: Parameters<typeof memoryStore>[0] = {}): Promise<Store> {
  const store = memoryStore(options);
  await store.overwrite(records.map((record, i) => ({ key: key('Feed', i + 1), content: content(record) })));
  return store;
}

const feeds = (n: number) => Array.from({ length: n }, (_, i) => feedOf(i + 1));

describe('a plan', () => {
  it('counts records and bytes over several pages, and reckons the journey', async () => {
    const n = LIMITS.pageSize * 2 + 7;
    const report = await plan(await storeOf(feeds(n)), migrationWith());
    expect(report).toMatchObject({ seen: n, records: n, inFlight: 0, short: 0, problems: {}, inexact: { count: 0 } });
    expect(report.rules).toMatchObject([
      { from: 'Feed', into: 'User/Feed', reversible: true, records: n, bytes: report.bytes },
    ]);
    expect(report.bytes).toBeGreaterThan(n * 20);
    expect(report.newBytes).toBeGreaterThan(report.bytes);
    expect(report.slotBytes).toBeGreaterThan(n * 300);
    // Two values, each in two indexes, and the key.
    expect(report).toMatchObject({ indexEntries: 5 * n, newIndexEntries: 5 * n });
    expect(report.total).toMatchObject({ reads: 20 * n, writes: 3 * n, deletes: n, indexWrites: 10 * n });
    expect(report.inOneGo).toMatchObject({ reads: 2 * n, writes: 3 * n, deletes: n, indexWrites: 10 * n });
    expect(report.total.money).toBeUndefined();
  });

  it('takes the short path where the store commits both homes at once', async () => {
    const report = await plan(await storeOf(feeds(5), { capabilities: { atomic: 'any' } }), migrationWith());
    expect(report.short).toBe(5);
    expect(report.inOneGo).toMatchObject({ reads: 10, writes: 5, deletes: 5 });
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

  it('finds two records that map to one key however far apart they are', async () => {
    const n = LIMITS.pageSize * 3;
    const same = migrationWith({
      to: (feed: Feed, old: Key) => key('User', feed.user, 'Feed', Number(old.id) === n ? 1n : old.id),
    });
    const records = feeds(n).map((feed) => ({ ...feed, user: 'ann' }));
    expect((await plan(await storeOf(records), same)).problems).toEqual({
      'target.collision': {
        count: 1,
        samples: [{ key: `Feed:${n}`, message: `Feed:${n} and another record map to User:ann/Feed:1.` }],
      },
    });
  });

  it('says how far it looked for them when it could not remember more keys', async () => {
    const same = migrationWith({ to: () => key('User', 'ann', 'Feed', 1) });
    expect(await plan(await storeOf(feeds(9)), same, { keys: 1 })).toMatchObject({ unchecked: 0 });
    const report = await plan(await storeOf(feeds(9)), migrationWith(), { keys: 5 });
    expect(report).toMatchObject({ unchecked: 4, problems: {} });
  });

  it('counts groups where they matter', async () => {
    const report = await plan(await storeOf(feeds(70)), migrationWith({}, 'group'));
    expect(report.groups).toBe(7);
    expect(report.total.reads).toBeGreaterThan(20 * 70);
    expect((await plan(await storeOf(feeds(70)), migrationWith())).groups).toBeUndefined();
  });

  it.each([
    ['a share', { percent: 10 }, 600],
    ['so many', { records: 1_000 }, 1_000],
  ])('reads %s and extrapolates the rest', async (_, sample, expected) => {
    const n = 12 * LIMITS.pageSize;
    const uneven = (i: number) => ({ ...feedOf(i), title: 'x'.repeat(i % 50) });
    const store = await storeOf(Array.from({ length: n }, (_x, i) => uneven(i)));
    const [all, part] = [await plan(store, migrationWith()), await plan(store, migrationWith(), { sample })];
    expect(Math.abs(part.seen - expected)).toBeLessThan(expected * 0.1);
    const { percent, marginPercent } = part.sample!;
    expect(Math.abs(percent - (100 * expected) / n)).toBeLessThan(1);
    expect(Math.abs(part.records - n)).toBeLessThanOrEqual((n * marginPercent!) / 100);
    expect(Math.abs(part.bytes - all.bytes)).toBeLessThan(all.bytes * 0.05);
    expect(Math.abs(part.total.reads - all.total.reads)).toBeLessThan(all.total.reads * 0.05);
    expect(all.sample).toBeUndefined();
  });

  it('reads everything where a sample would be no less', async () => {
    const report = await plan(await storeOf(feeds(20)), migrationWith(), { sample: { records: 500 } });
    expect(report).toMatchObject({ seen: 20, records: 20 });
    expect(report.sample).toBeUndefined();
  });

  it('names a price where the store has one', async () => {
    const n = 1_000;
    const prices = PRICE_LISTS.nam5;
    const report = await plan(await storeOf(feeds(n), { prices }), migrationWith());
    const { reads, writes, deletes, money } = report.total;
    expect(money).toBeCloseTo((reads * 0.06 + writes * 0.18 + deletes * 0.02) / 100_000, 9);
    expect(report.storageAMonth).toBeCloseTo(((report.newBytes + report.slotBytes) / 2 ** 30) * 0.18, 9);
    const own = await plan(await storeOf(feeds(n)), migrationWith(), { prices: pricesOf(undefined, { writes: 1 })! });
    expect(own.total.money).toBeCloseTo(writes / 100_000, 9);
    expect(own.prices).toMatchObject({ currency: 'USD', reads: 0, writes: 1 });
    expect(pricesOf(prices, { reads: 0.03 })).toMatchObject({ reads: 0.03, writes: 0.18 });
    expect(pricesOf(undefined, undefined)).toBeUndefined();
  });

  it('takes each record there and back: what the way back would fail at is found before the way there', async () => {
    const limit = { capabilities: { atomic: 'any' as const } };
    for (const options of [{}, limit]) {
      const forgetful = migrationWith({ forward: ({ user }: Feed) => ({ user }) });
      const report = await plan(await storeOf(feeds(3), options), forgetful);
      expect(report.rules[0]!.reversible).toBe(false);
      expect(report).toMatchObject({ problems: {}, inexact: { count: 0 } });
      const broken = migrationWith({
        forward: ({ user }: Feed) => ({ user, gone: true }),
        backward: (feed: Feed) => ({
          user: feed.user.repeat(1),
          title: (feed as { gone?: true }).gone ? 'lost' : 'kept',
        }),
      });
      expect(await plan(await storeOf(feeds(3), options), broken)).toMatchObject({
        problems: {},
        inexact: { count: 3 },
      });
    }
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

  it.each(['record', 'group'] as const)('no write reaches the store, by %s', async (by) => {
    const calls = new Map<string, number>();
    const { data } = memoryStore();
    const seeding = memoryStore({ data });
    await seeding.overwrite(feeds(1_200).map((feed, i) => ({ key: key('Feed', i + 1), content: content(feed) })));
    await seeding.overwrite([{ key: key('User', 'u2', 'Feed', 2), content: content({ stranger: true }) }]);
    const fault = ({ op }: { op: string }) => void calls.set(op, (calls.get(op) ?? 0) + 1);
    const report = await plan(memoryStore({ data, fault }), migrationWith({}, by));
    expect(report.problems).toMatchObject({ 'target.occupied': { count: 1 } });
    expect([...calls.keys()].sort()).toEqual(['kinds', 'read', 'scan', 'split']);
    await plan(memoryStore({ data, fault }), migrationWith({}, by), { sample: { percent: 20 } });
    expect([...calls.keys()].sort()).toEqual(['kinds', 'read', 'scan', 'split']);
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
    const lines = out.split('\n');
    expect(lines[0]).toBe('feeds version 1: 40 records at home.');
    expect(lines).toContain('     step                              changes  reads  writes  deletes  index  time');
    expect(lines).toContain('  2  copy                              data       200      40        0    200   0 s');
    expect(lines).toContain('     all steps                                    800     120       40    400   2 s');
    expect(lines).toContain('  path       lmdb cannot commit both homes of a record at once: the full path.');
    expect(lines).toContain('     command        handover switch feeds --share 10');
    expect(lines.at(-2)).toBe('No problem was found. Next: handover start feeds');
    expect(out).not.toContain('USD');
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(100);
  });

  it('takes prices from the project, and a ceiling and a sample from the command line', async () => {
    project.write(
      'handover.config.ts',
      CONFIG.replace("'DATA' })", "'DATA' }), prices: { reads: 1000, currency: 'EUR' }"),
    );
    const { out } = await project.run('plan', '--ceiling', '100', '--sample', '20');
    expect(out).toContain('about 40 records at home');
    expect(out).toContain('sample     About 50 % of the old homes was read: 20 entities, in pieces spread over them.');
    expect(out).toContain('EUR        An estimate at list price, no free tier subtracted: ');
    expect(out).toMatch(/all steps +800 +120 +40 +400 +10 s +8\.00\n/);
    const { data } = await project.json<PlanReport>('plan');
    expect(data.total.money).toBeCloseTo(8, 9);
  });

  it('refuses a sample that is none', async () => {
    for (const sample of ['0', '0%', '101%', 'all', '1.5', '%']) {
      expect(await project.run('plan', '--sample', sample)).toMatchObject({ code: 2, out: '' });
    }
  });

  it('prints Markdown for a change request', async () => {
    await project.put(key('Feed', 41), { title: 'of nobody' });
    const { out } = await project.run('plan', '--markdown');
    const lines = out.split('\n');
    expect(lines[0]).toBe('# Plan: feeds version 1');
    expect(lines.filter((line) => line.startsWith('## '))).toEqual(['## Steps', '## Cost', '## Findings']);
    const rows = lines.filter((line) => /^\| \d /.test(line));
    expect(rows).toHaveLength(14);
    for (const [name, own] of [
      ['steps', rows.slice(0, 7)],
      ['costs', rows.slice(7)],
    ] as const) {
      const columns = own.map((row) => row.split(/(?<!\\)\|/).length);
      expect(new Set(columns).size, name).toBe(1);
    }
    expect(out).toContain('- transform.to: 1\n  - Feed:41: ');
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
    await project.run('plan', '--sample', '50%');
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
