import { describe, expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { records } from '../../src/admin/records.ts';
import { campaignStatus } from '../../src/admin/status.ts';
import { load } from '../../src/engine/documents.ts';
import { subscriptionKey } from '../../src/engine/subscriptionDocument.ts';
import { verify } from '../../src/engine/verify.ts';
import { oldKey, STRIKES } from '../engine/harness.ts';
import { checkComponent } from '../server/described.ts';
import {
  begin,
  COMPLETE,
  go,
  N,
  posted,
  REVERSE,
  rest,
  START,
  STRAIGHT,
  SWITCH,
  states,
  topicOf,
  world,
} from './journeyWorld.ts';
import { PATIENCE_MS, partOf } from './part.ts';
import type { Manner, Mishap } from './provider.ts';

const MANNERS: readonly [string, Manner][] = [
  ['that is done when it says so', { confirms: 'answers' }],
  ['that asks the callback before it answers', { confirms: 'before' }],
  ['that asks the callback later', { confirms: 'later' }],
];

const MISHAPS: readonly Mishap[] = ['never sent', 'answer lost', 'forgotten', 'refused'];

describe.each(MANNERS)('a provider %s', (_, manner) => {
  it('posts to both URLs when copied, to the new one when switched, and the old one is gone when completed', async () => {
    const w = world({ manner });
    await begin(w);
    await go(w, START);
    expect([await states(w), posted(w)]).toEqual([
      ['proven', 'proven'],
      ['/new/1', '/new/2', '/old/1', '/old/2'],
    ]);
    await go(w, SWITCH);
    expect([await states(w), posted(w)]).toEqual([
      ['switched', 'switched'],
      ['/new/1', '/new/2'],
    ]);
    await go(w, COMPLETE);
    expect(await states(w)).toEqual(['settled', 'settled']);
    expect(w.provider.missed).toEqual([]);
    const campaign = await commands.theCampaign(w.context, 'callbacks');
    const report = await verify(w.store, w.context.migrations[0]!, campaign, { clock: w.clock });
    expect(report).toMatchObject({
      clean: true,
      subscriptions: { seen: N, arrived: N, onTheWay: 0, quarantined: 0 },
    });
    await checkComponent('VerifyReport', report);
    const status = await campaignStatus(w.context, campaign);
    expect(status.subscriptions).toEqual({ settled: N });
    await checkComponent('CampaignStatus', status);
    // Of each: one to subscribe, one to unsubscribe.
    expect(w.provider.requests).toHaveLength(2 * N);
  });

  it('posts to the old URLs again after a reverse, from each stage', async () => {
    for (const way of [[START], [START, SWITCH]]) {
      const w = world({ manner });
      await begin(w);
      await go(w, ...way, REVERSE);
      expect([await states(w), posted(w)]).toEqual([
        ['home', 'home'],
        ['/old/1', '/old/2'],
      ]);
      await go(w, START, SWITCH, COMPLETE);
      expect(posted(w)).toEqual(['/new/1', '/new/2']);
      expect(w.provider.missed).toEqual([]);
    }
  });

  const WAY = [STRAIGHT, REVERSE, START, SWITCH, COMPLETE];

  it.each(Object.entries(STRIKES))(
    'misses nothing whichever call of a worker is struck: %s',
    { timeout: PATIENCE_MS },
    async (kind, strike) => {
      const whole = world({ manner });
      await begin(whole);
      await go(whole, ...WAY);
      const stride = Math.ceil(whole.calls() / 8);
      expect(stride).toBeGreaterThan(5);
      for (const first of partOf(stride, Object.keys(STRIKES).indexOf(kind))) {
        const struck = (index: number) => index % stride === first && index < 8 * stride;
        const w = world({ manner, fault: (index, call) => (struck(index) ? strike(call) : undefined) });
        await begin(w);
        await go(w, ...WAY);
        expect(w.provider.missed, `struck from call ${first} on, each ${stride}`).toEqual([]);
        expect([await states(w), posted(w)]).toEqual([
          ['settled', 'settled'],
          ['/new/1', '/new/2'],
        ]);
      }
    },
  );

  it.each<Mishap>(MISHAPS)('misses nothing when any request is %s', { timeout: PATIENCE_MS }, async (mishap) => {
    const whole = world({ manner });
    await begin(whole);
    await go(whole, ...WAY);
    for (const index of partOf(whole.provider.requests.length, MISHAPS.indexOf(mishap))) {
      const w = world({ manner });
      w.provider.mishap = (each) => (each === index ? mishap : undefined);
      await begin(w);
      await go(w, ...WAY);
      expect(w.provider.missed, `request ${index}`).toEqual([]);
      expect([await states(w), posted(w)]).toEqual([
        ['settled', 'settled'],
        ['/new/1', '/new/2'],
      ]);
    }
  });
});

describe('a hub that', () => {
  const DAY_MS = 86_400_000;
  /** An old lease that is waited for. */
  const LAPSES_MS = 3_600_000;
  const LEASE = 7 * 86_400;

  it('never confirms an unsubscribe: the old URL lapses, and the campaign waits for that before it completes', async () => {
    const w = world({ manner: { confirms: 'later', silentUnsubscribe: true, leaseSeconds: LEASE } });
    await begin(w);
    await go(w, START);
    await go(w, SWITCH);
    expect(await states(w)).toEqual(['switched', 'switched']);
    expect(posted(w)).toEqual(['/new/1', '/new/2', '/old/1', '/old/2']);
    await go(w, COMPLETE);
    expect(await states(w)).toEqual(['settled', 'settled']);
  });

  it('is silent about an unsubscribe posts to the old URL as long as its lease lasts, and it is gone only then', async () => {
    const w = world({ manner: { confirms: 'later', silentUnsubscribe: true }, oldLeaseMs: LAPSES_MS });
    await begin(w);
    const began = w.clock.now();
    await go(w, START, SWITCH);
    expect(await states(w)).toEqual(['lapsing', 'lapsing']);
    await go(w, COMPLETE);
    expect(await states(w)).toEqual(['settled', 'settled']);
    expect(w.clock.now() - began).toBeGreaterThanOrEqual(LAPSES_MS);
    expect(w.provider.missed).toEqual([]);
  });

  it('refuses for good leaves the subscription where it was, listed with its answer, until retry', async () => {
    const w = world();
    await begin(w);
    w.provider.mishap = (_, mode) => (mode === 'subscribe' ? 'refused for good' : undefined);
    await go(w, START);
    expect([await states(w), posted(w)]).toEqual([
      ['home', 'home'],
      ['/old/1', '/old/2'],
    ]);
    const campaign = await commands.theCampaign(w.context, 'callbacks');
    expect(await verify(w.store, w.context.migrations[0]!, campaign, { clock: w.clock })).toMatchObject({
      subscriptions: { seen: N, arrived: 0, onTheWay: 0, quarantined: N },
    });
    const [row] = (await records(w.context, 'callbacks', { quarantined: true })).records;
    expect(row).toMatchObject({ code: 'subscription.refused', message: 'not now' });
    w.provider.mishap = () => undefined;
    await commands.retry(w.context, 'callbacks', {});
    await go(w, SWITCH, COMPLETE);
    expect([await states(w), posted(w)]).toEqual([
      ['settled', 'settled'],
      ['/new/1', '/new/2'],
    ]);
    expect(w.provider.missed).toEqual([]);
  });

  it('grants leases is asked again in the last third of each, at the URLs that are to stay', async () => {
    const w = world({ manner: { confirms: 'later', leaseSeconds: LEASE } });
    await begin(w);
    await go(w, START);
    const before = w.provider.requests.length;
    for (let day = 0; day < 30; day++) {
      await w.clock.sleep(86_400_000);
      await w.worker().step(await commands.theCampaign(w.context, 'callbacks'), new AbortController().signal);
      await w.provider.confirm();
    }
    const renewed = w.provider.requests.slice(before);
    expect(new Set(renewed)).toEqual(new Set(['subscribe /new/1', 'subscribe /new/2']));
    expect(renewed.length).toBeGreaterThanOrEqual(2 * N * 2);
    expect(await states(w)).toEqual(['proven', 'proven']);
    const key = subscriptionKey(oldKey(1).toString());
    expect((await load(w.store, 'subscription', key))!.value.new.leaseUntil).toBeGreaterThan(w.clock.now());
  });

  it('grants leases is asked again while the campaign is paused, by any number of workers once, and for nothing else', async () => {
    const w = world({ manner: { confirms: 'later', leaseSeconds: LEASE } });
    await begin(w);
    await go(w, START);
    await commands.switchOver(w.context, 'callbacks');
    await commands.pause(w.context, 'callbacks', { reason: 'a freeze over the holidays' });
    const before = w.provider.requests.length;
    const paused = await commands.theCampaign(w.context, 'callbacks');
    const workers = [w.worker(), w.worker()];
    for (let day = 0; day < 30; day++) {
      await w.clock.sleep(DAY_MS);
      await Promise.all(workers.map((each) => each.step(paused, new AbortController().signal)));
      await w.provider.confirm();
    }
    const renewed = w.provider.requests.slice(before);
    expect(new Set(renewed)).toEqual(new Set(['subscribe /new/1', 'subscribe /new/2']));
    // A lease of seven days is renewed on the fifth: six times in thirty.
    expect(renewed.length).toBe(6 * N);
    await w.clock.sleep(5 * DAY_MS);
    const end = new AbortController();
    const running = w.worker().run(end.signal);
    const all = before + 7 * N;
    for (let i = 0; i < 10_000 && w.provider.requests.length < all; i++)
      await new Promise((next) => setImmediate(next));
    end.abort();
    await running;
    expect(w.provider.requests.length).toBe(all);
    await w.provider.confirm();
    expect(await states(w)).toEqual(['proven', 'proven']);
    expect(await commands.theCampaign(w.context, 'callbacks')).toEqual(paused);
    await commands.resume(w.context, 'callbacks');
    await rest(w);
    expect([await states(w), posted(w)]).toEqual([
      ['switched', 'switched'],
      ['/new/1', '/new/2'],
    ]);
    expect(w.provider.missed).toEqual([]);
  });

  it('refreshes the new URL by itself is not taken to have confirmed that the old one is given up', async () => {
    const w = world({ manner: { confirms: 'later', silentUnsubscribe: true }, oldLeaseMs: DAY_MS });
    await begin(w);
    await go(w, START, SWITCH);
    const leaving = await states(w);
    expect(leaving).toEqual(['lapsing', 'lapsing']);
    const [source, topic] = [oldKey(1).toString(), topicOf(1)];
    const of = { subscription: source, topic };
    expect(await w.callbacks.verified({ ...of, side: 'new', mode: 'subscribe', leaseSeconds: 9 })).toBe(true);
    expect(await states(w)).toEqual(leaving);
    // Nor is the old one revived, nor the new one given up, by whoever asks.
    expect(await w.callbacks.verified({ ...of, side: 'old', mode: 'subscribe' })).toBe(false);
    expect(await w.callbacks.verified({ ...of, side: 'new', mode: 'unsubscribe' })).toBe(false);
    expect(
      await w.callbacks.verified({ ...of, topic: 'https://else.example/', side: 'old', mode: 'unsubscribe' }),
    ).toBe(false);
    expect(await w.callbacks.verified({ ...of, side: 'old', mode: 'unsubscribe' })).toBe(true);
    expect((await states(w))[0]).toBe('draining');
  });
});

describe('two', () => {
  it('workers at one subscription ask no more than one does, as long as answers come', async () => {
    const w = world({ manner: { confirms: 'answers' } });
    await begin(w);
    await START(w.context);
    const campaign = await commands.theCampaign(w.context, 'callbacks');
    const signal = new AbortController().signal;
    for (let i = 0; i < 5; i++)
      await Promise.all([w.worker().step(campaign, signal), w.worker().step(campaign, signal)]);
    await rest(w);
    expect(await states(w)).toEqual(['proven', 'proven']);
    expect(w.provider.requests.toSorted()).toEqual(['subscribe /new/1', 'subscribe /new/2']);
  });

  it('subscriptions with one path are one too many: the second is set aside', async () => {
    const w = world();
    await begin(w);
    await w.store.overwrite([{ key: oldKey(11), content: (await w.store.read([oldKey(1)]))[0]!.content }]);
    await go(w, START);
    const listed = (await records(w.context, 'callbacks', { quarantined: true })).records;
    expect(listed.map(({ code }) => code)).toEqual(['target.collision']);
  });
});
