import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { History } from '../../src/admin/history.ts';
import { key } from '../../src/record/key.ts';
import { FEEDS, Project } from './project.ts';

let project: Project;
beforeEach(async () => {
  project = new Project();
  await project.seed(6);
});
afterEach(() => project.dispose());

const rows = async () => (await project.json<History>('history')).data.campaigns;
const timeless = (text: string) => text.replaceAll(/\d{4}-\S+ \S+Z/g, 'THEN');

describe('history', () => {
  it('of a project where nothing ever ran says so', async () => {
    expect(await project.run('history')).toMatchObject({ code: 0, out: 'No migration was ever started.\n' });
    expect(await rows()).toEqual([]);
  });

  it('says what ran, by whom and why, with the proof as it was taken, also when it is stripped', async () => {
    await project.run('start', '--to', 'switched', '--wait', '--by', 'bob', '--reason', 'one group per user');
    expect((await rows())[0]).toMatchObject({ campaign: 'feeds.1', closed: false, started: { by: 'bob' } });
    expect(timeless((await project.run('history')).out)).toContain('proof    never verified');
    await project.run('complete', '--wait', '--reason', 'nothing reads it', '--confirm', 'feeds.1');
    await project.run('verify');
    await project.run('strip', '--wait', '--reason', 'tidy');
    expect(timeless((await project.run('history')).out)).toBe(`feeds.1  version 1, completed
  started  THEN by bob
  last     THEN strip by ann: tidy
  ended    THEN
  records  6
  proof    clean, THEN, completed: 6 started = 6 completed + 0 quarantined; 0 duplicates, 0 gaps
`);
  });

  it('has a campaign whose migration is no longer in the folder, and a draft that was cancelled, the oldest first', async () => {
    await project.run('start', '--wait');
    await project.run('cancel', '--wait', '--confirm', 'feeds.1');
    project.write('migrations/feeds.ts', FEEDS.replace("name: 'feeds'", "name: 'teams'"));
    await project.run('start', '--wait');
    expect(await rows()).toMatchObject([
      { campaign: 'feeds.1', known: false, stage: 'cancelled', closed: true, last: { what: 'cancel' } },
      { campaign: 'teams.1', known: true, stage: 'copied', closed: false },
    ]);
    expect((await project.run('history')).out).toContain('feeds.1  version 1, cancelled, no longer in the folder');
  });

  it('keeps the last proof that was finished, whatever it says, and what is quarantined', async () => {
    await project.put(key('Feed', 7), { title: 'of nobody' });
    await project.run('start', '--wait');
    await project.run('verify');
    const [row] = await rows();
    expect(row).toMatchObject({ quarantined: 1, proof: { started: 7, completed: 6, quarantined: 1, stage: 'copied' } });
  });
});
