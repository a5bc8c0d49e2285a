import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CONFIG, FEEDS, Project, REPOSITORY } from './project.ts';

const MAIN = join(REPOSITORY, 'dist/src/cli/main.js');

let project: Project;
beforeEach(() => {
  project = new Project();
});
afterEach(() => project.dispose());

/** The built program, as a user runs it. `until`: sends the signal once standard error has this. */
function handover(args: readonly string[], signal?: { name: 'SIGINT' | 'SIGTERM'; until: string }) {
  const child = spawn(process.execPath, [MAIN, ...args], { cwd: project.folder });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
    if (signal && !child.killed && err.includes(signal.until)) child.kill(signal.name);
  });
  return new Promise<{ code: number | null; out: string; err: string }>((resolve) => {
    child.on('close', (code) => resolve({ code, out, err }));
  });
}

describe('the program', () => {
  it('runs a TypeScript project, and hands it its own modules', async () => {
    await project.seed(50);
    // `instanceof` holds only where both have one copy of the class; so does an error's code.
    project.write(
      'migrations/feeds.ts',
      FEEDS.replace('entity, key', 'entity, HandoverError, Key, key').replace(
        "key('User', feed.user, 'Feed', old.id)",
        "{ if (!(old instanceof Key)) throw new HandoverError('key.invalid', 'another copy'); return key('User', feed.user, 'Feed', old.id); }",
      ),
    );
    const started = await handover(['start', '--to', 'completed', '--wait', '--json']);
    expect(started).toMatchObject({ code: 0, err: '' });
    expect(JSON.parse(started.out)).toMatchObject({ stage: 'completed', states: { completed: 50 } });
    expect((await handover(['verify'])).code).toBe(0);
  });

  it('runs a JavaScript project, which finds the package by itself', async () => {
    await project.seed(5);
    project.remove('handover.config.ts');
    project.remove('migrations');
    project.write('handover.config.mjs', CONFIG);
    project.write(
      'migrations/feeds.mjs',
      FEEDS.replace(/interface Feed [^}]*}/, '')
        .replace('<Feed>', '')
        .replace('old.id)', 'old.id)'),
    );
    const planned = await handover(['plan', '--json']);
    expect(planned).toMatchObject({ code: 0, err: '' });
    expect(JSON.parse(planned.out)).toMatchObject({ records: 5, problems: {} });
  });

  it('ends a worker at SIGTERM, gracefully', async () => {
    await project.seed(5);
    await handover(['start']);
    const worked = await handover(['work'], { name: 'SIGTERM', until: '"clean":true' });
    expect(worked.code).toBe(0);
    expect(worked.err).toContain('"event":"worker.stopped"');
  });

  it('says so when what it prints cannot be read any more, by ending quietly', async () => {
    await project.seed(2_000);
    await handover(['start']);
    const child = spawn('sh', ['-c', `"${process.execPath}" "${MAIN}" records --limit 2000 | head -n 1`], {
      cwd: project.folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let err = '';
    child.stderr.on('data', (chunk) => {
      err += chunk;
    });
    await new Promise((resolve) => child.on('close', resolve));
    expect(err).toBe('');
  });

  it('passes its exit code on', async () => {
    expect((await handover(['nonsense'])).code).toBe(2);
    expect((await handover(['switch'])).code).toBe(3);
  });
});
