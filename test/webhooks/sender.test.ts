import { describe, expect, it } from 'vitest';
import { load, save } from '../../src/engine/documents.ts';
import { subscriptionKey } from '../../src/engine/subscriptionDocument.ts';
import { LIMITS } from '../../src/limits.ts';
import { key } from '../../src/record/key.ts';
import { memoryStore } from '../../src/store/memory.ts';
import { Outbox, sender } from '../../src/webhooks/index.ts';
import { drain } from '../../src/webhooks/sender/endpoints.ts';
import { COMPLETE, REVERSE, RIGHT, START, SWITCH, sending } from './senders.ts';
import { serve } from './server.ts';
import { testClock, until } from './world.ts';

const SECRET = `whsec_${Buffer.from('a secret of some length').toString('base64')}`;

describe('an outbox', () => {
  it('stores an event once for each subscriber, however often it is put, and posts it once', async () => {
    const w = await sending(3);
    const to = [1, 2, 3].map((n) => key('Endpoint', n));
    const event = { id: 'evt_1', body: '{}' };
    expect(await w.main.put(event, to.slice(0, 2))).toBe('stored');
    expect(await w.main.put(event, to)).toBe('stored');
    expect(await w.main.put(event, to)).toBe('duplicate');
    w.published.push('evt_1');
    w.work();
    await w.drained();
    expect(await w.main.put(event, to)).toBe('duplicate');
    expect(w.posted).toHaveLength(3);
    expect(w.wrongs()).toEqual(RIGHT);
  });

  it('repeats what failed with the same id, and sets it aside in the end, until retry', async () => {
    const dead: string[] = [];
    const w = await sending(1, { onDead: ({ error }) => dead.push(error) });
    w.rules.answer = () => 500;
    await w.publish(1);
    w.work();
    await until('it is given up', () => {
      w.clock.advance(LIMITS.sendPauseMostMs);
      return dead.length > 0;
    });
    expect(w.posted).toHaveLength(LIMITS.sendAttempts);
    expect(new Set(w.posted.map(({ id }) => id))).toEqual(new Set(['evt_1']));
    expect(dead[0]).toContain('answered 500');
    w.rules.answer = () => 200;
    for await (const { id } of w.main.list('dead')) await w.main.retry(id);
    await w.drained();
    expect(w.wrongs()).toEqual(RIGHT);
  });

  it('lets a subscriber that never answers hold up nobody else', async () => {
    const w = await sending(2, { deadlineMs: 3000 });
    w.rules.answer = ({ subscriber }) => (subscriber === '1' ? 'never' : 200);
    await w.publish(40);
    w.work();
    const of = (subscriber: string) => w.posted.filter((each) => each.subscriber === subscriber);
    await until('the other one has all', () => of('2').length === 40);
    expect(of('1')).toHaveLength(LIMITS.sendLanesEach);
  });

  it('does not post to addresses that are not public, unless they are allowed', async () => {
    const inside = await serve((response) => response.end());
    const clock = testClock();
    const store = memoryStore();
    const endpoint = () => ({ url: `${inside.url}/x`, secret: SECRET });
    const outbox = new Outbox({ store, clock, endpoint });
    await outbox.put({ id: 'e', body: '{}' }, [key('Endpoint', 1)]);
    const end = new AbortController();
    const work = outbox.work(end.signal);
    const errors = async () => {
      const found: (string | undefined)[] = [];
      for await (const { error } of outbox.list('received')) found.push(error);
      return found;
    };
    await until('it failed', async () => (await errors())[0] !== undefined);
    end.abort();
    await work;
    expect(await errors()).toEqual([expect.stringContaining('not a public address')]);
    expect(inside.connections()).toBe(0);
    const hub = sender({ clock });
    const request = { hub: 's', topic: 't', callback: `${inside.url}/x`, secret: SECRET, intent: 'i' };
    expect(await hub.subscribe(request)).toMatchObject({ status: 'refused', again: false });
    expect(inside.connections()).toBe(0);
  });

  it('posts what the application makes of an event for the endpoint that it goes to', async () => {
    const w = await sending(1, { body: ({ id }, { side }) => JSON.stringify({ version: side === 'old' ? 1 : 2, id }) });
    w.work();
    await w.publish(2);
    await w.go(START, SWITCH, COMPLETE);
    await w.drained();
    for (const { side, body } of w.posted) expect(JSON.parse(body).version).toBe(side === 'old' ? 1 : 2);
    expect(w.wrongs()).toEqual(RIGHT);
  });
});

describe('several senders, and some that die', () => {
  it('decide for the old endpoint just before it is given up: what was found drained stays so', async () => {
    const w = await sending(1);
    const first = w.work();
    await w.go(START);
    await w.drained();
    await first.stop();
    w.traffic = false;
    const [subscriber, journey] = [key('Endpoint', 1).toString(), subscriptionKey(key('Endpoint', 1).toString())];
    const { value } = (await load(w.store, 'subscription', journey))!;
    // Its share is down, so that the event would go to the old one.
    const trial = { ...value, new: { ...value.new, failedAt: w.clock.now() } };
    const change = async (to: typeof value) => {
      const now = await load(w.store, 'subscription', journey);
      await save<'subscription'>(w.store, journey, to, now!.version);
    };
    await change(trial);
    let commits = 0;
    const slow = memoryStore({
      data: w.data,
      fault: async ({ op }) => {
        // The claim is the first, and the second is where it is to go.
        if (op !== 'commit' || ++commits !== 2) return undefined;
        await change({ ...trial, state: 'draining' });
        expect(await drain(w.store, subscriber, 'old')).toBe(true);
        return undefined;
      },
    });
    w.work(w.outbox(slow));
    await w.main.put({ id: 'evt_late', body: '{}' }, [key('Endpoint', 1)]);
    await until('it is sent', async () => (await w.waiting()) === 0);
    expect(w.posted.at(-1)).toMatchObject({ id: 'evt_late', side: 'new' });
  });

  it('share the work: without a fault nothing is posted twice', async () => {
    const w = await sending(3);
    await w.publish(30);
    for (let i = 0; i < 3; i++) w.work(w.outbox());
    await until('all is sent', async () => (await w.waiting()) === 0);
    expect(w.posted).toHaveLength(90);
    expect(w.wrongs()).toEqual(RIGHT);
  });

  it.each(['before', 'after'] as const)(
    'one that dies %s any call of its store: another posts, by the same id',
    async (when) => {
      const w = await sending(2);
      w.traffic = false;
      let deaths = 0;
      for (let at = 0; at < 24; at++) {
        await w.publish(1);
        const fault = ({ index }: { index: number }) => (index === at ? ({ kind: 'crash', when } as const) : undefined);
        const end = new AbortController();
        const first = w.outbox(memoryStore({ data: w.data, fault })).work(end.signal);
        let died = false;
        const over = first.catch((error: Error) => {
          died = true;
          expect(error.name).toBe('Crash');
        });
        await until('it died or is done', async () => died || (await w.waiting()) === 0);
        end.abort();
        await over;
        if (died) deaths++;
        w.clock.advance(LIMITS.deliveryClaimMs + 1);
        const second = w.work(w.outbox());
        await until('the other one is done', async () => (await w.waiting()) === 0);
        await second.stop();
      }
      expect(deaths).toBeGreaterThan(10);
      expect(w.wrongs()).toEqual(RIGHT);
      expect(w.posted.length).toBeLessThan(3 * w.published.length);
    },
  );

  it('die again and again while endpoints are switched, back and over: nothing is missed', {
    timeout: 120_000,
  }, async () => {
    const w = await sending(2);
    const end = new AbortController();
    let deaths = 0;
    const mortal = async () => {
      for (let n = 0; !end.signal.aborted; n++) {
        // Most calls are renewals of claims: this clock is in a hurry.
        const at = 200 + ((n * 137) % 1500);
        const when = n % 2 === 0 ? 'before' : 'after';
        const fault = ({ index }: { index: number }) => (index === at ? ({ kind: 'crash', when } as const) : undefined);
        await w
          .outbox(memoryStore({ data: w.data, fault }))
          .work(end.signal)
          .catch(() => deaths++);
      }
    };
    const senders = [mortal(), mortal()];
    await w.go(START, SWITCH);
    // Back and over until enough of them have died: a fast machine makes fewer calls on the way.
    do await w.go(REVERSE, START, SWITCH);
    while (deaths <= 10);
    await w.go(COMPLETE);
    end.abort();
    await Promise.all(senders);
    w.clock.advance(LIMITS.deliveryClaimMs + 1);
    w.work(w.outbox());
    await w.drained();
    expect(deaths).toBeGreaterThan(10);
    expect(w.wrongs()).toEqual(RIGHT);
    expect([await w.stateOf(1), await w.stateOf(2)]).toEqual(['settled', 'settled']);
  });
});
