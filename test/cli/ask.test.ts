import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Project } from './project.ts';

let project: Project;
beforeEach(() => {
  project = new Project();
});
afterEach(() => project.dispose());

const commands = async () => (await project.json<{ commands: object[] }>('audit')).data.commands;

describe('on a terminal', () => {
  it('a command asks why, and the audit trail has the answer', async () => {
    await project.seed(3);
    const { code, err } = await project.typing(['the first of them'], 'start', '--wait');
    expect([code, err]).toEqual([0, expect.stringContaining('Why? For the audit trail')]);
    expect(await commands()).toMatchObject([{ what: 'start', reason: 'the first of them' }]);
  });

  it('what was given is not asked for', async () => {
    const { err } = await project.typing([], 'start', '--reason', 'as planned');
    expect(err).not.toContain('Why?');
    expect(await commands()).toMatchObject([{ reason: 'as planned' }]);
  });

  it('nothing is done where no reason is said', async () => {
    const { code, err } = await project.typing(['  '], 'start');
    expect([code, err]).toEqual([2, expect.stringContaining('No reason was given: nothing was done.')]);
    expect((await project.json('status')).data).toMatchObject({ campaigns: [] });
  });

  it('what looks and commands nothing asks for nothing', async () => {
    for (const verb of ['status', 'deliveries', 'doctor']) expect((await project.typing([], verb)).err).toBe('');
  });

  it.each([
    ['complete', 'completing'],
    ['cancel', 'cancelling'],
  ])('%s has the campaign typed once more', async (verb, stage) => {
    await project.seed(3);
    for (const before of ['start', 'switch']) await project.run(before, '--wait');
    const wrong = await project.typing(['enough', 'feeds'], verb);
    expect([wrong.code, wrong.err]).toEqual([3, expect.stringContaining('request.unconfirmed')]);
    expect(await commands()).toHaveLength(2);
    expect((await project.typing(['enough', 'feeds.1'], verb)).code).toBe(0);
    expect((await project.json('status')).data).toMatchObject({ campaigns: [{ stage }] });
  });

  it('a start straight for the end has the migration typed', async () => {
    expect((await project.typing(['why not', 'no'], 'start', '--to', 'completed')).code).toBe(3);
    expect((await project.typing(['why not'], 'start', '--to', 'completed', '--confirm', 'feeds')).code).toBe(0);
  });
});

describe('in a script', () => {
  it('nothing is asked for, but what is confirmed must be right', async () => {
    await project.run('start');
    expect((await project.run('cancel', '--confirm', 'feeds.2')).code).toBe(3);
    expect((await project.run('cancel', '--confirm', 'feeds.1')).code).toBe(0);
  });

  it('nor where the answer is for a program', async () => {
    const { code, err } = await project.typing([], 'start', '--json');
    expect([code, err]).toEqual([0, '']);
  });
});
