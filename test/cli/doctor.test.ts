import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Finding } from '../../src/admin/doctor.ts';
import { key } from '../../src/record/key.ts';
import { FEEDS, Project } from './project.ts';

let project: Project;
beforeEach(() => {
  project = new Project();
});
afterEach(() => project.dispose());

interface Report {
  problems: number;
  findings: Finding[];
}

describe('doctor', () => {
  it('finds nothing wrong with a project in order, and leaves nothing behind', async () => {
    const { code, data } = await project.json<Report>('doctor');
    expect(code).toBe(0);
    expect(data.problems).toBe(0);
    expect(data.findings.map(({ what }) => what)).toEqual(
      expect.arrayContaining(['configuration', 'migrations', 'store lmdb', 'update.stale', 'campaigns']),
    );
    await project.withStore(async (store) => {
      expect((await store.scan({ namespace: '', kind: '_HandoverProbe' }, 10)).entities).toEqual([]);
    });
  });

  it('notes what has no way back', async () => {
    project.write('migrations/feeds.ts', FEEDS.replace('old.id) }', 'old.id), forward: (feed) => feed }'));
    const { code, out } = await project.run('doctor');
    expect(code).toBe(0);
    expect(out).toContain(
      'note     feeds\n         Feed has no `backward`: what is modified after the switch cannot be reversed.',
    );
  });

  it('notes which migrations would refuse each other, unless `after` orders them', async () => {
    const teams = FEEDS.replace("name: 'feeds'", "name: 'teams'")
      .replaceAll('User/Feed', 'Team/Feed')
      .replace("key('User'", "key('Team'");
    project.write('migrations/teams.ts', teams);
    const { code, out } = await project.run('doctor');
    expect(code).toBe(0);
    expect(out).toContain(
      'note     feeds, teams\n         Both are about Feed: the one that starts second is refused until the other is over.',
    );
    project.write('migrations/teams.ts', teams.replace('version: 1', "version: 1, after: ['feeds']"));
    expect((await project.run('doctor')).out).not.toContain('Both are about');
  });

  it('finds a store that ignores compare-and-set', async () => {
    project.write(
      'handover.config.ts',
      `import { memoryStore } from 'handover/store/memory';
       const store = memoryStore();
       const blind = { ...store, async commit(mutations) {
         await store.overwrite(mutations.filter(({ op }) => op !== 'delete'), mutations.filter(({ op }) => op === 'delete').map(({ key }) => key));
         return mutations.map(() => ({ status: 'applied', version: 1 }));
       } };
       export default { store: () => blind };`,
    );
    const { code, data } = await project.json<Report>('doctor');
    expect(code).toBe(4);
    expect(data.findings.filter(({ level }) => level === 'problem').map(({ what }) => what)).toContain('store.unsafe');
  });

  it('finds campaigns that are held up', async () => {
    await project.seed(5);
    await project.put(key('Feed', 6), { title: 'of nobody' });
    await project.run('start', '--wait');
    await project.run('pause');
    const { code, out } = await project.run('doctor');
    expect(code).toBe(4);
    expect(out).toContain('It is paused: paused by ann.');
    expect(out).toContain('1 record is quarantined: handover records feeds.1 --quarantined');
    expect(out).toContain('2 problems.');
  });
});
