import { hash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { key } from '../../src/record/key.ts';
import { content, Project } from './project.ts';

let project: Project;
beforeEach(() => {
  project = new Project();
});
afterEach(() => project.dispose());

/** `handover serve` on a port of its own, listening. */
async function serving(...options: readonly string[]) {
  let text = '';
  const url = new Promise<string>((resolve) => {
    const served = project.interruptible(['serve', '--port', '0', ...options], (err) => {
      text = err;
      const listening = /"event":"server.started","url":"([^"]+)"/.exec(err);
      if (listening) resolve(listening[1]!);
    });
    running = served;
  });
  return { url: await url, log: () => text };
}
let running: ReturnType<Project['interruptible']>;

const post = (url: string, body: object, headers: object = {}) =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = systemClock.now() + 20_000;
  while (!(await holds())) {
    if (systemClock.now() > deadline) throw new Error('It never came about.');
    await systemClock.sleep(20);
  }
}

describe('handover serve', () => {
  it('logs each happening once, and every line says what happened', async () => {
    await project.seed(300);
    const aliens = Array.from({ length: 150 }, (_, i) => key('User', `u${(i + 1) % 7}`, 'Feed', i + 1));
    await project.withStore((store) =>
      store.overwrite(aliens.map((at) => ({ key: at, content: content({ alien: 1n }) }))),
    );
    const { url, log } = await serving();
    await post(`${url}/v1/migrations/feeds/start`, { reason: 'by the server' });
    const lines = () =>
      log()
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    const of = (event: string) => lines().filter((line) => line['event'] === event);
    await until(async () => of('campaign.paused').length > 0 && of('quarantine.exceeded').length > 0);
    running.interrupt();
    await running.ended;
    expect(lines().filter(({ event }) => event === undefined)).toEqual([]);
    expect(of('campaign.paused')).toMatchObject([
      { campaign: 'feeds.1', migration: 'feeds', because: 'more than 100 records are quarantined', command: 1 },
    ]);
    const keys = of('record.quarantined').map(({ key }) => key);
    expect(keys.length).toBeGreaterThan(100);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('is admin API and worker in one, beside the command line, and ends with all of it', async () => {
    await project.seed(300);
    const { url, log } = await serving();
    expect(log()).toContain('"event":"server.opened"');
    const started = await post(`${url}/v1/migrations/feeds/start`, { reason: 'by the server' });
    expect(await started.json()).toMatchObject({ command: { by: 'ann', from: { way: 'api' } } });
    await until(
      async () => ((await (await fetch(`${url}/v1/campaigns/feeds`)).json()) as { settled: boolean }).settled,
    );
    const { data } = await project.json<{ commands: object[] }>('audit');
    expect(data.commands).toMatchObject([{ what: 'start', reason: 'by the server' }]);
    running.interrupt();
    expect((await running.ended).code).toBe(0);
    expect(log()).toContain('"event":"worker.stopped"');
    expect(log()).toContain('"event":"server.stopped","inTime":true');
    expect(await project.json('status')).toMatchObject({ data: { campaigns: [{ stage: 'copied', settled: true }] } });
  });

  it('leaves out what it is told to', async () => {
    await project.seed(3);
    const { url, log } = await serving('--no-worker', '--no-receiver', '--no-page');
    expect((await fetch(`${url}/docs`)).status).toBe(404);
    expect(log()).toContain('"page":false,"receiver":false');
    expect(log()).not.toContain('worker.started');
    running.interrupt();
    await running.ended;
  });

  it('is refused where anybody could come in, or the port is taken', async () => {
    expect(await project.json('serve', '--host', '0.0.0.0')).toMatchObject({
      code: 2,
      data: { error: { code: 'config.invalid' } },
    });
    await project.seed(1);
    const { url } = await serving('--no-worker');
    const { code, err } = await project.run('serve', '--port', new URL(url).port);
    expect([code, err]).toEqual([2, expect.stringContaining('EADDRINUSE')]);
    running.interrupt();
    await running.ended;
  });
});

describe('handover token', () => {
  it('prints a fresh one and its hash, before there is a project', async () => {
    project.remove('handover.config.ts');
    const one = await project.json<{ token: string; sha256: string }>('token');
    const two = await project.json<{ token: string }>('token');
    expect(one.data.sha256).toBe(hash('sha256', one.data.token, 'hex'));
    expect(one.data.token).toMatch(/^handover_[0-9a-f]{64}$/);
    expect(two.data.token).not.toBe(one.data.token);
  });
});
