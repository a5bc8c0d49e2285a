import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DeliveriesPage, DeliveryView } from '../../src/admin/deliverySchema.ts';
import type { Status } from '../../src/admin/inspect.ts';
import { watchInbox } from '../../src/cli/inboxWatch.ts';
import { systemClock } from '../../src/clock.ts';
import { LIMITS } from '../../src/limits.ts';
import { memoryStore } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/store.ts';
import { Inbox } from '../../src/webhooks/inbox.ts';
import { storedCallbacks } from '../../src/webhooks/storedCallbacks.ts';
import { put, received } from '../webhooks/inboxes.ts';
import { applied, listed, testClock, until, working } from '../webhooks/world.ts';
import { Project } from './project.ts';

let project: Project;
beforeEach(() => {
  project = new Project();
});
afterEach(() => project.dispose());

/** Runs a handler that always fails until `count` are dead. */
async function bury(store: Store, count: number): Promise<void> {
  const clock = testClock();
  const inbox = new Inbox({ store, clock });
  const worker = working(inbox, () => {
    throw new Error('the database\nis away \u001b[31m');
  });
  await until('they are dead', async () => {
    clock.advance(LIMITS.deliveryPauseMostMs);
    return (await listed(inbox, 'dead')).length === count;
  });
  await worker.stop();
}

/** Two dead ones, one that fails, three that wait, one that was applied. */
const troubled = () =>
  project.withStore(async (store) => {
    const inbox = new Inbox({ store });
    await put(inbox, 'done');
    await applied(inbox);
    await put(inbox, 'x', 'y');
    await bury(store, 2);
    await put(inbox, 'f');
    const worker = working(inbox, () => {
      throw new Error('busy');
    });
    await until('it failed', async () => (await listed(inbox, 'received'))[0]?.error !== undefined);
    await worker.stop();
    await put(inbox, 'a', 'b', 'c');
  });

describe('deliveries', () => {
  it('are listed but for those that were applied, with what went wrong', async () => {
    await troubled();
    const { data } = await project.json<DeliveriesPage>('deliveries');
    const states = data.deliveries.map(({ state }) => state);
    expect(states.slice(0, 2)).toEqual(['dead', 'dead']);
    expect(states.slice(2).sort()).toEqual(['failing', 'waiting', 'waiting', 'waiting']);
    expect(data.deliveries[0]).toMatchObject({ subscription: 's1', side: 'old', attempts: 20, protocol: 'github' });
    const failing = await project.json<DeliveriesPage>('deliveries', '--state', 'failing');
    expect(failing.data.deliveries).toMatchObject([{ attempts: 1, error: 'busy', nextAt: expect.any(Number) }]);
    expect((await project.json<DeliveriesPage>('deliveries', '--state', 'applied')).data.deliveries).toHaveLength(1);
    const { out } = await project.run('deliveries', '--state', 'dead');
    expect(out).toContain('20 attempts: the database is away');
    expect(out).not.toContain('\u001b');
    expect((await project.run('deliveries', '--state', 'lost')).code).toBe(2);
  });

  it('are listed page by page, each once', async () => {
    await troubled();
    const ids: string[] = [];
    for (let after: string[] = []; ; ) {
      const { data } = await project.json<DeliveriesPage>('deliveries', '--limit', '1', ...after);
      ids.push(...data.deliveries.map(({ id }) => id));
      if (data.next === undefined) break;
      after = ['--after', data.next];
    }
    expect(ids).toHaveLength(6);
    expect(new Set(ids).size).toBe(6);
    expect((await project.run('deliveries', '--after', 'nowhere')).code).toBe(2);
  });

  it('one is shown with the head of its body, and nothing of it commands the terminal', async () => {
    const body = Buffer.from(`\u001b]0;title\u0007 ${'é'.repeat(LIMITS.deliveryHeadBytes)}`);
    const headers = { 'x-github-event': 'push' };
    await project.withStore(async (store) => {
      const events = [{ identity: 'one', body, contentType: 'text/plain' }];
      await new Inbox({ store }).put({ ...received, headers }, events);
      await new Inbox({ store }).put(received, [{ identity: 'two', body: Buffer.from([255, 0]), contentType: 'x/y' }]);
    });
    const { data } = await project.json<DeliveriesPage>('deliveries');
    const views: DeliveryView[] = [];
    for (const { id } of data.deliveries) views.push((await project.json<DeliveryView>('deliveries', id)).data);
    const text = views.find(({ identity }) => identity === 'one')!;
    expect(text.body).toMatchObject({ bytes: body.length, encoding: 'utf8' });
    expect(body.toString().startsWith(text.body.head)).toBe(true);
    expect(text).toMatchObject({ state: 'waiting', headers, attempts: 0 });
    expect(views.find(({ identity }) => identity === 'two')!.body).toEqual({
      bytes: 2,
      head: '/wA=',
      encoding: 'base64',
    });
    const { out } = await project.run('deliveries', text.id);
    expect(out).toContain('x-github-event  push');
    expect(out).toContain('ééé');
    expect(out).not.toContain('\u001b');
    expect((await project.run('deliveries', 'none')).code).toBe(3);
  });

  it('that are dead are tried again: those named, or all', async () => {
    await troubled();
    const { data } = await project.json<DeliveriesPage>('deliveries', '--state', 'dead');
    const [one] = data.deliveries;
    expect(await project.json('deliveries', one!.id, '--retry')).toMatchObject({ code: 0, data: { retried: 1 } });
    expect(await project.json('deliveries', one!.id, '--retry')).toMatchObject({ code: 3 });
    expect((await project.run('deliveries', '--retry')).code).toBe(2);
    expect((await project.run('deliveries', '--retry', '--state', 'dead')).out).toContain('1 delivery given back its');
    expect((await project.run('deliveries', '--retry', '--state', 'dead')).out).toContain('Nothing is dead.');
    await project.withStore(async (store) => {
      const clock = testClock();
      clock.advance(LIMITS.deliveryPauseMostMs);
      expect((await applied(new Inbox({ store, clock }))).sort()).toEqual(['a', 'b', 'c', 'f', 'x', 'y']);
    });
  });
});

describe('status', () => {
  it('counts deliveries that wait, fail or are dead, and forged ones', async () => {
    expect((await project.json<Status>('status')).data.inbox).toBeUndefined();
    await troubled();
    await project.withStore(async (store) => {
      const callbacks = storedCallbacks(store, systemClock);
      for (let n = 0; n < 3; n++) await callbacks.suspicious({ subscription: 'Blog:1', side: 'new', why: 'mismatch' });
      await callbacks.settled!();
    });
    const { data } = await project.json<Status>('status');
    expect(data.inbox).toMatchObject({ waiting: 3, running: 0, failing: 1, dead: 2 });
    expect(data.inbox!.forged).toMatchObject([{ subscription: 'Blog:1', side: 'new', count: 3, why: 'mismatch' }]);
    const { out } = await project.run('status');
    expect(out).toContain('waiting 3, failing 1, dead 2; the oldest since ');
    expect(out).toContain('3 on the new URL of Blog:1, the last ');
  });

  it('does not look at what was applied', async () => {
    await project.withStore(async (store) => {
      const inbox = new Inbox({ store });
      await put(inbox, ...Array.from({ length: 40 }, (_, n) => `d${n}`));
      await applied(inbox);
      await put(inbox, 'waits');
      let seen = 0;
      const looked: Store = {
        ...store,
        async find(...call) {
          const page = await store.find(...call);
          seen += page.entities.length;
          return page;
        },
      };
      const { inboxStatus } = await import('../../src/admin/deliveries.ts');
      expect(await inboxStatus({ store: looked, clock: systemClock })).toMatchObject({ waiting: 1 });
      expect(seen).toBe(1);
    });
  });
});

describe('work', () => {
  it('sweeps the inbox of what is past its window', async () => {
    await project.seed(1);
    await project.withStore(async (store) => {
      const clock = testClock();
      clock.advance(-40 * 86_400_000);
      const inbox = new Inbox({ store, clock });
      await put(inbox, 'long ago');
      await applied(inbox);
    });
    const working = project.interruptible(['work'], (text) => {
      if (text.includes('inbox.swept')) working.interrupt();
    });
    const { code, err } = await working.ended;
    expect(code).toBe(0);
    expect(err).toContain('"event":"inbox.swept","forgotten":1');
  });

  it('logs forged deliveries that are counted while it works, each once', async () => {
    const store = memoryStore();
    const clock = testClock();
    const lines: Record<string, unknown>[] = [];
    const log = pino({ base: null }, { write: (line: string) => lines.push(JSON.parse(line)) });
    const forge = async (times: number) => {
      const callbacks = storedCallbacks(store, clock);
      const forged = { subscription: 'Blog:1', side: 'new', why: 'mismatch' } as const;
      for (let n = 0; n < times; n++) await callbacks.suspicious(forged);
      await callbacks.settled!();
    };
    await forge(2);
    let looks = 0;
    const looked: Store = { ...store, scan: (...call) => store.scan(...call).finally(() => looks++) };
    const end = new AbortController();
    const watching = watchInbox({ store: looked, clock }, new Inbox({ store, clock }), log, end.signal);
    await until('it has looked', () => looks > 0);
    await forge(3);
    const heard = () => lines.filter(({ event }) => event === 'signature.rejected').map(({ count }) => Number(count));
    await until('it says so', () => heard().reduce((sum, n) => sum + n, 0) === 3);
    const before = looks;
    await until('it looks again', () => looks > before + 1);
    end.abort();
    await watching;
    expect(heard().reduce((sum, n) => sum + n, 0)).toBe(3);
  });
});
