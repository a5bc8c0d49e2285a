import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CampaignStatus, GroupView, RecordRow, RecordView, Status } from '../../src/admin/inspect.ts';
import { loadConfig } from '../../src/define/load.ts';
import type { VerifyReport } from '../../src/engine/verify.ts';
import { key } from '../../src/record/key.ts';
import { Router } from '../../src/router/router.ts';
import { content, FEEDS, Project } from './project.ts';

let project: Project;
beforeEach(async () => {
  project = new Project();
  await project.seed(30);
});
afterEach(() => project.dispose());

interface Page {
  records: RecordRow[];
  next?: string;
}

describe('records', () => {
  it('are listed page by page, each once', async () => {
    await project.run('start', '--share', '50', '--wait');
    const keys: string[] = [];
    for (let after: string[] = []; ; ) {
      const { data } = await project.json<Page>('records', '--limit', '7', ...after);
      keys.push(...data.records.map((row) => row.key));
      if (data.next === undefined) break;
      after = ['--after', data.next];
    }
    expect(keys).toEqual(Array.from({ length: 30 }, (_, i) => `Feed:${i + 1}`));
  });

  it('show the copies that shadow reads found to differ, with both values', async () => {
    await project.run('start', '--wait');
    expect((await project.run('records', '--mismatches')).out).toBe('None.\n');
    const { migrations } = await loadConfig(undefined, project.folder);
    await project.withStore(async (store) => {
      const [old, into] = [key('Feed', 7), key('User', 'u0', 'Feed', 7)];
      const [copy] = await store.read([into]);
      await store.overwrite([{ key: into, content: content({ user: 'u0', title: 'else' }), slot: copy!.slot! }]);
      const router = new Router({ store, rule: migrations[0]!.records[0]!, compare: 1 });
      for (let n = 0; n < 12; n++) expect(await router.get({ from: old, into })).toMatchObject({ title: 'feed 7' });
    });
    const { out } = await project.run('records', '--mismatches');
    expect(out).toContain('  should say  {"title":"feed 7","user":"u0"}\n  says        {"title":"else","user":"u0"}\n');
    expect(out).toContain('And 2 before.');
    expect((await project.json('records', '--mismatches')).data).toMatchObject({ count: 12 });
    expect((await project.run('status')).out).toContain('mismatches   12 in shadow reads');
  });

  it('are listed once, wherever they are', async () => {
    await project.run('start', '--to', 'completed', '--share', '50', '--wait');
    const { data } = await project.json<Page>('records', '--limit', '100');
    expect(new Set(data.records.map((row) => row.key)).size).toBe(30);
    expect(data.records).toHaveLength(30);
    const { data: done } = await project.json<Page>('records', '--limit', '100', '--state', 'completed');
    expect(done.records).toEqual(data.records.filter(({ state }) => state === 'completed'));
    const { data: status } = await project.json<Status>('status');
    expect(status.campaigns[0]!.states).toEqual({ completed: done.records.length, atHome: 30 - done.records.length });
  });

  it('say where they are wanted, and what comes next', async () => {
    await project.run('start', '--wait');
    await project.run('switch');
    const { data } = await project.json<Page>('records', '--limit', '1');
    expect(data.records).toEqual([
      { key: 'Feed:1', into: 'User:u1/Feed:1', state: 'copied', target: 'switched', next: 'cede S' },
    ]);
    expect((await project.run('records', '--limit', '1')).out).toBe(
      'Feed:1  User:u1/Feed:1  copied  cede S, for switched\n\nMore: --after "0 Feed:1"\n',
    );
  });

  it('that are not there make an empty list', async () => {
    await project.run('start', '--wait');
    expect((await project.run('records', '--state', 'split')).out).toBe('None.\n');
    expect(await project.json('records', '--after', 'nowhere')).toMatchObject({
      code: 2,
      data: { error: { code: 'usage.invalid' } },
    });
  });
});

describe('one record', () => {
  it('is shown by its old and by its new key, with both sides and the journal', async () => {
    await project.run('start', '--to', 'switched', '--wait');
    const { data } = await project.json<RecordView>('show', 'feeds', 'Feed:9');
    expect(data).toMatchObject({
      kind: 'record',
      key: 'Feed:9',
      into: 'User:u2/Feed:9',
      state: 'switched',
      target: 'switched',
      S: { role: 'ceded', slot: { side: 'S', peer: 'User:u2/Feed:9' } },
      T: { role: 'owner', record: { user: 'u2', title: 'feed 9' } },
    });
    expect(data.next).toBeUndefined();
    expect(data.journal.map(({ move }) => move)).toEqual(['copy T', 'cede S', 'promote T']);
    expect((await project.json('show', 'feeds', 'User:u2/Feed:9')).data).toEqual(data);
    expect((await project.run('show', 'Feed:9')).out).toMatch(/state {6}switched\n[\s\S]*journal\n {2}1 {2}\d{4}-/);
  });

  it('is found by a key that holds nothing: the new one before, the old one after', async () => {
    await project.run('start');
    expect((await project.json('show', 'feeds', 'User:u2/Feed:9')).data).toMatchObject({
      key: 'Feed:9',
      state: 'atHome',
      next: 'copy T',
      T: { role: 'absent' },
    });
    for (const verb of ['start', 'switch', 'complete']) await project.run(verb, '--wait');
    expect((await project.json('show', 'feeds', 'Feed:9')).data).toMatchObject({
      into: 'User:u2/Feed:9',
      state: 'completed',
      S: { role: 'absent' },
    });
  });

  it('may be a group', async () => {
    await project.run('start', '--wait');
    const { data } = await project.json<GroupView>('show', 'feeds', 'User:u2');
    expect(data).toMatchObject({ kind: 'group', group: 'User:u2', more: false });
    expect(data.members.map(({ into }) => into)).toEqual([2, 9, 16, 23, 30].map((n) => `User:u2/Feed:${n}`));
  });

  it('that does not exist, or has no key, is an error', async () => {
    await project.run('start', '--wait');
    expect(await project.json('show', 'feeds', 'Feed:99')).toMatchObject({
      code: 3,
      data: { error: { code: 'record.missing' } },
    });
    expect(await project.json('show', 'feeds', 'Feed:')).toMatchObject({
      code: 2,
      data: { error: { code: 'key.invalid' } },
    });
    expect(await project.json('show', 'users', 'Feed:9')).toMatchObject({
      code: 3,
      data: { error: { code: 'campaign.missing' } },
    });
  });
});

describe('records that cannot be moved', () => {
  const stranger = key('User', 'u2', 'Feed', 9);
  beforeEach(async () => {
    await project.put(stranger, { stranger: true });
    await project.put(key('Feed', 31), { title: 'of nobody' });
  });

  it('are listed with the cause, counted, and tried again when told', async () => {
    const started = await project.json<CampaignStatus>('start', '--wait');
    expect(started).toMatchObject({ code: 5, data: { settled: true, states: { copied: 29 } } });
    expect(started.data.quarantined).toEqual({
      count: 2,
      skipped: 0,
      byCode: { 'target.occupied': 1, 'transform.to': 1 },
    });

    const { data: listed } = await project.json<Page>('records', '--quarantined');
    expect(listed.records.map(({ key, code }) => [key, code]).sort()).toEqual([
      ['Feed:31', 'transform.to'],
      ['Feed:9', 'target.occupied'],
    ]);
    const { data: first } = await project.json<Page>('records', '--quarantined', '--limit', '1');
    const { data: second } = await project.json<Page>('records', '--quarantined', '--after', first.next!);
    expect([...first.records, ...second.records]).toEqual(listed.records);
    expect((await project.run('records', '--quarantined')).out).toContain(
      'quarantined  target.occupied: Feed:9 maps to',
    );

    const counted = await project.json('records', '--count');
    expect(counted.data).toEqual({ records: 31, states: { copied: 29, quarantined: 2 } });
    const verified = await project.json<VerifyReport>('verify');
    expect(verified).toMatchObject({ code: 0, data: { started: 31, completed: 29, quarantined: 2 } });
    expect((await project.json('show', 'feeds', 'Feed:9')).data).toMatchObject({
      state: 'quarantined',
      code: 'target.occupied',
    });
    expect((await project.json('show', 'feeds', 'Feed:31')).data).toMatchObject({
      state: 'quarantined',
      code: 'transform.to',
    });

    await project.withStore((store) => store.overwrite([], [stranger]));
    expect(await project.json('retry', '--code', 'target.occupied')).toMatchObject({ code: 0, data: { retried: 1 } });
    expect((await project.run('work', '--until-settled')).code).toBe(5);
    await project.put(key('Feed', 31), { user: 'u2', title: 'of somebody' });
    expect((await project.run('retry', '--key', 'Feed:31')).out).toBe(
      '1 record taken off the list. A worker tries again: handover work\n',
    );
    expect((await project.run('work', '--until-settled')).code).toBe(0);
    const status = await project.json<Status>('status');
    expect(status.data.campaigns[0]).toMatchObject({ states: { copied: 31 }, quarantined: { count: 0 } });
  });

  it('close the gate to complete, unless they are left on purpose', async () => {
    await project.run('start', '--to', 'switched', '--wait');
    const refused = await project.run('complete');
    expect(refused).toMatchObject({ code: 3, out: '' });
    expect(refused.err).toBe(
      'gate.closed\n  Not yet: records are quarantined and would stay in the old home; retry or skip them, or pass\n  --leave-quarantined.\n  Let a worker finish (`handover work`), look at `handover status`, then try again.\n',
    );
    expect((await project.run('complete', '--leave-quarantined', '--wait')).code).toBe(5);
  });

  it('are skipped: listed as such, and no longer waited for', async () => {
    await project.run('start', '--to', 'switched', '--wait');
    expect((await project.run('skip')).code).toBe(2);
    expect((await project.run('skip', '--key', 'Feed:1')).out).toBe('Nothing is quarantined that fits.\n');
    const skipped = await project.run('skip', '--key', 'Feed:9', '--reason', 'it may stay');
    expect(skipped.out).toBe('1 record may stay in the old home. Back: handover retry with the same option.\n');
    expect((await project.run('status')).out).toContain('of these 1 skipped');
    expect((await project.run('complete')).code).toBe(3);
    expect(await project.json('skip', '--code', 'transform.to')).toMatchObject({ code: 0, data: { skipped: 1 } });
    expect((await project.run('records', '--quarantined')).out).toContain('quarantined, skipped  target.occupied:');
    expect((await project.run('complete', '--wait')).code).toBe(0);
    const { data } = await project.json<Status>('status');
    expect(data.campaigns[0]).toMatchObject({ stage: 'completed', quarantined: { count: 2, skipped: 2 } });
  });

  it('are chosen from, where two homes claim them', async () => {
    await project.run('start', '--to', 'switched', '--wait');
    await project.withStore(async (store) => {
      await store.overwrite([{ key: key('Feed', 7), content: content({ user: 'u0', title: 'from an old instance' }) }]);
    });
    // What is quarantined already is tried again by a sweep, which finds the stray write, too.
    await project.run('retry');
    expect((await project.run('work', '--until-settled')).code).toBe(5);
    expect((await project.run('records', '--quarantined')).out).toContain('record.split');
    expect((await project.run('resolve', '--key', 'Feed:7')).code).toBe(2);
    expect(await project.run('resolve', '--key', 'Feed:8', '--keep', 'new')).toMatchObject({ code: 3 });
    const resolved = await project.run('resolve', '--key', 'Feed:7', '--keep', 'old', '--reason', 'it was right');
    expect(resolved.out).toBe('1 record to be settled so. A worker does it: handover work\n');
    await project.run('work', '--until-settled');
    const { data } = await project.json<RecordView>('show', 'Feed:7');
    expect(data).toMatchObject({ state: 'switched' });
    expect((await project.run('status')).out).toContain('resolve Feed:7 keep old');
  });

  it('pause the campaign when they are more than the budget', async () => {
    project.write('migrations/feeds.ts', FEEDS.replace('version: 1', 'version: 1,\n  errorBudget: 1'));
    const { code, out } = await project.run('start', '--wait');
    expect(code).toBe(5);
    expect(out).toContain('copying, paused: more than 1 records are quarantined');
    expect(out).toContain(
      'next         handover records feeds --quarantined, then handover retry feeds and handover resume feeds',
    );
  });
});
