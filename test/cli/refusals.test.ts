import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/define/load.ts';
import { key } from '../../src/record/key.ts';
import { Router } from '../../src/router/router.ts';
import { CONFIG, FEEDS, Project } from './project.ts';

let project: Project;
beforeEach(() => {
  project = new Project();
});
afterEach(() => project.dispose());

const error = (code: string) => ({
  error: { code, wayOut: expect.any(String), detail: expect.any(String), facts: expect.any(Object) },
});

describe('the command line', () => {
  it.each<[string[], string]>([
    [['nonsense'], "Unknown command 'nonsense'."],
    [['statsu'], "Unknown command 'statsu'. (Did you mean status?)"],
    [['status', '--colour'], "Unknown option '--colour'."],
    [
      ['start', '--to', 'moon'],
      "Option '--to <state>' argument 'moon' is invalid. Allowed choices are copied, switched, completed.",
    ],
    [['start', '--share', '0'], '--share takes a number over 0, up to 100, not "0".'],
    [['start', '--share', 'half'], '--share takes a number over 0, up to 100, not "half".'],
    [['records', '--limit', '1.5'], '--limit takes a whole number from 1 to 10000, not "1.5".'],
    [['start', 'feeds', 'users'], "Too many arguments for 'start'. Expected 1 argument but got 2."],
    [['show'], "Missing required argument 'migration'."],
  ])('%j is refused with 2', async (args, detail) => {
    const { code, out, err } = await project.run(...args);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err.replace(/\s+/g, ' ')).toContain(detail);
    const json = await project.json(...args);
    expect(json).toMatchObject({ code: 2, err: '', data: error('usage.invalid') });
  });

  it('says what it can do, and what its exit codes mean', async () => {
    const help = await project.run('--help');
    expect(help.code).toBe(0);
    for (const verb of 'plan start status switch reverse complete cancel pause resume verify records show retry doctor work'.split(
      ' ',
    )) {
      expect(help.out).toMatch(new RegExp(`^  ${verb} `, 'm'));
    }
    expect(help.out).toContain('Exit codes:\n  0  done\n');
    expect((await project.run('start', '--help')).out).toContain('--share <percent>');
    expect((await project.run('--version')).out).toMatch(/^\d+\.\d+\.\d+\n$/);
    const none = await project.run();
    expect(none).toMatchObject({ code: 2, out: '' });
    expect(none.err).toContain('No command was given. See `handover help`.');
    expect((await project.run('help', 'start')).out).toContain('--share <percent>');
  });

  it('takes --config and --json before the verb as after it', async () => {
    project.write('etc/handover.config.ts', CONFIG.replace('({ store', "({ migrations: '../migrations', store"));
    for (const args of [
      ['--json', '--config', 'etc/handover.config.ts', 'status'],
      ['status', '--config', 'etc/handover.config.ts', '--json'],
    ]) {
      const { code, out } = await project.run(...args);
      expect({ code, data: JSON.parse(out) }).toMatchObject({ code: 0, data: { campaigns: [] } });
    }
  });

  it('wants to know which migration, when there are several', async () => {
    project.write('migrations/users.ts', FEEDS.replace("'feeds'", "'users'"));
    expect((await project.run('start')).err).toContain('Which migration? Name one of feeds, users.');
    expect((await project.run('start', 'posts')).err).toContain('There is no migration "posts"; known: feeds, users.');
  });
});

describe('a project that is not in order', () => {
  it('is refused by every verb, as text and as JSON', async () => {
    project.write('handover.config.ts', CONFIG.replace('({ store', '({ sotre'));
    const { code, err } = await project.run('status');
    expect(code).toBe(2);
    expect(err).toMatch(/^config\.invalid\n {2}handover\.config\.ts:5: /);
    expect(await project.json('start')).toMatchObject({ code: 2, data: error('config.invalid') });
    project.remove('handover.config.ts');
    expect(await project.json('doctor')).toMatchObject({ code: 2, data: error('config.missing') });
    expect(await project.json('doctor', '--config', 'other.ts')).toMatchObject({
      code: 2,
      data: error('config.missing'),
    });
  });

  it('says which store could not be opened', async () => {
    project.write('handover.config.ts', "export default { store: () => { throw new Error('the disk is out'); } };");
    expect((await project.run('status')).err.replace(/\s+/g, ' ')).toContain(
      'the store could not be opened: the disk is out.',
    );
    project.write('handover.config.ts', 'export default { store: () => 7 };');
    expect((await project.run('status')).err).toContain('`store` returned no store.');
  });

  it('has a migration that must wait for another', async () => {
    await project.seed(3);
    project.write(
      'migrations/later.ts',
      FEEDS.replace("'feeds'", "'later'").replace('version: 1', "version: 1,\n  after: ['feeds']"),
    );
    const refused = await project.run('start', 'later');
    expect(refused.code).toBe(2);
    expect(refused.err).toContain('later comes after feeds, which is not completed.');
  });
});

describe('a campaign', () => {
  beforeEach(() => project.seed(20));

  it('that was never started is not there', async () => {
    expect(await project.json('switch')).toMatchObject({ code: 3, data: error('campaign.missing') });
    expect(await project.json('verify')).toMatchObject({ code: 3, data: error('campaign.missing') });
    expect(await project.json('status', 'posts')).toMatchObject({ code: 3, data: error('campaign.missing') });
  });

  it('does not switch before its copy was complete and clean', async () => {
    await project.run('start');
    const refused = await project.json('switch');
    expect(refused.code).toBe(3);
    await project.run('work', '--until-settled');
    expect((await project.run('switch')).code).toBe(0);
  });

  it('does not complete while records are on their way', async () => {
    await project.run('start', '--to', 'switched', '--wait');
    await project.run('complete', '--share', '50');
    expect((await project.run('complete')).err).toContain('Not yet: records are still on their way');
  });

  it('is not reversed where what was modified has no way back', async () => {
    project.write(
      'migrations/feeds.ts',
      FEEDS.replace('old.id) }', 'old.id), forward: (feed) => ({ ...feed, title: feed.title.toUpperCase() }) }'),
    );
    await project.run('start', '--to', 'switched', '--wait');
    const { migrations } = await loadConfig(undefined, project.folder);
    await project.withStore(async (store) => {
      const router = new Router({ store, rule: migrations[0]!.records[0]! });
      await router.update({ from: key('Feed', 9), into: key('User', 'u2', 'Feed', 9) }, (feed) => ({
        ...feed,
        title: 'NEW',
      }));
    });
    const refused = await project.json<{ error: { facts: unknown } }>('reverse');
    expect(refused).toMatchObject({ code: 3, data: error('reverse.missing') });
    expect(refused.data.error.facts).toEqual({ count: 1, samples: ['User:u2/Feed:9'] });
    expect(await project.json('cancel')).toMatchObject({ code: 3, data: error('reverse.missing') });
  });

  it('whose definition changed is refused by commands, left alone by workers, and reported', async () => {
    await project.run('start', '--wait');
    project.write('migrations/feeds.ts', FEEDS.replace('feed.user', "'x' + feed.user"));
    expect(await project.json('switch')).toMatchObject({ code: 2, data: error('definition.changed') });
    expect(await project.json('verify')).toMatchObject({ code: 2, data: error('definition.changed') });
    expect(await project.json('work', '--until-settled')).toMatchObject({
      code: 5,
      data: { held: ['feeds.1'], moves: 0 },
    });
    const status = await project.run('status');
    expect(status.code).toBe(0);
    const { data } = await project.json('status');
    expect(data).toMatchObject({ campaigns: [{ blocked: { code: 'definition.changed' } }] });
    expect(status.out).toContain('feeds.1  copied, blocked: definition.changed');
    const doctor = await project.json('doctor');
    expect(doctor).toMatchObject({ code: 4, data: { problems: 1 } });
    project.remove('migrations/feeds.ts');
    expect((await project.run('status')).out).toContain('blocked: definition.missing');
  });

  it('whose definition changed goes on under it when it has a newer version and is upgraded', async () => {
    await project.run('start', '--wait');
    const next = FEEDS.replace('feed.user', "'x' + feed.user");
    project.write('migrations/feeds.ts', next);
    expect(await project.json('upgrade')).toMatchObject({ code: 3, data: error('upgrade.refused') });
    project.write('migrations/feeds.ts', next.replace('version: 1', 'version: 2'));
    const upgraded = await project.run('upgrade', '--reason', 'wrong users');
    expect(upgraded.out).toContain('feeds.1 is copying, under version 2.');
    expect(await project.json('switch')).toMatchObject({ code: 3, data: error('campaign.refused') });
    expect(await project.json('work', '--until-settled')).toMatchObject({ code: 0 });
    expect(await project.json('switch', '--wait')).toMatchObject({ code: 0 });
    expect(await project.json('verify')).toMatchObject({ code: 0 });
    expect(await project.json('upgrade')).toMatchObject({ code: 3, data: error('upgrade.refused') });
    expect((await project.run('audit')).out).toContain('upgrade 1 to 2');
  });

  it('that is over takes no commands', async () => {
    await project.run('start', '--to', 'completed', '--wait');
    for (const verb of ['switch', 'reverse', 'cancel', 'pause', 'resume']) {
      expect(await project.json(verb)).toMatchObject({ code: 3, data: error('campaign.refused') });
    }
  });
});
