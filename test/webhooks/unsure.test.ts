import { expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { records } from '../../src/admin/records.ts';
import { load } from '../../src/engine/documents.ts';
import { subscriptionKey } from '../../src/engine/subscriptionDocument.ts';
import { HandoverError } from '../../src/errors.ts';
import { oldKey, seed } from '../engine/harness.ts';
import {
  begin,
  COMPLETE,
  go,
  posted,
  REVERSE,
  rest,
  START,
  STRAIGHT,
  SWITCH,
  states,
  topicOf,
  urls,
  world,
} from './journeyWorld.ts';

const DAY_MS = 86_400_000;
/** An old lease that is waited for. */
const LAPSES_MS = 3_600_000;
const FIRST = subscriptionKey(oldKey(1).toString());

it('a subscription that may not have been stored is no subscription that is not there: the campaign waits for it', async () => {
  let lost = false;
  const w = world({
    manner: { confirms: 'answers' },
    fault: (_, { mutations }) => {
      if (lost || !mutations.some(({ key }) => key.equals(FIRST))) return undefined;
      lost = true;
      return { kind: 'lost', applied: false };
    },
  });
  await seed(w.store, 1);
  w.provider.post(urls(1).old, topicOf(1));
  await go(w, (context) => commands.start(context, 'callbacks', { ramp: false, to: 'completed' }));
  expect([lost, (await states(w))[0], posted(w)]).toEqual([true, 'settled', ['/new/1']]);
});

it('a hub that refuses the way back is waited for as before: what its lease brings, and what the topic says', async () => {
  const w = world({ manner: { confirms: 'later', silentUnsubscribe: true }, oldLeaseMs: LAPSES_MS });
  await begin(w);
  await go(w, START, SWITCH);
  expect(await states(w)).toEqual(['lapsing', 'lapsing']);
  w.provider.mishap = (_, mode) => (mode === 'subscribe' ? 'refused for good' : undefined);
  await go(w, REVERSE);
  expect(await states(w)).toEqual(['lapsing', 'lapsing']);
  w.provider.mishap = () => undefined;
  await commands.retry(w.context, 'callbacks', {});
  const began = w.clock.now();
  await go(w, SWITCH, COMPLETE);
  expect(await states(w)).toEqual(['settled', 'settled']);
  expect(w.clock.now() - began).toBeGreaterThan(LAPSES_MS / 2);
});

it('what a hub answers while an operator commands is kept: it is not asked again', async () => {
  const w = world({ manner: { confirms: 'answers' } });
  await begin(w);
  const { subscribe } = w.provider;
  let paused = false;
  w.provider.subscribe = async (request) => {
    const answer = await subscribe.call(w.provider, request);
    if (paused) return answer;
    paused = true;
    await commands.pause(w.context, 'callbacks');
    return answer;
  };
  await go(w, START);
  await commands.resume(w.context, 'callbacks');
  await rest(w);
  expect(await states(w)).toEqual(['proven', 'proven']);
  expect(w.provider.requests.toSorted()).toEqual(['subscribe /new/1', 'subscribe /new/2']);
});

it('a topic that does not say who its hub is gets asked again after pauses, and is set aside when it never does', async () => {
  const w = world({ hub: undefined });
  await begin(w);
  const asked: number[] = [];
  const discover = async (topic: string) => {
    if (topic === topicOf(1)) asked.push(w.clock.now());
    if (asked.length < 4) throw new HandoverError('topic.unreachable', `${topic} answered 503.`);
    return { topic, hub: 'https://hub.example/' };
  };
  Object.assign(w.provider, { discover });
  await go(w, START);
  expect([asked.length, await states(w)]).toEqual([4, ['proven', 'proven']]);
  for (const [i, at] of asked.slice(1).entries()) expect(at - asked[i]!).toBeGreaterThanOrEqual(5_000 * 2 ** i);

  const never = world({ hub: undefined });
  await begin(never);
  const silent = async (topic: string) => {
    throw new HandoverError('topic.unreachable', `${topic} answered 503.`);
  };
  Object.assign(never.provider, { discover: silent });
  await go(never, START);
  const rows = (await records(never.context, 'callbacks', { quarantined: true })).records;
  expect(rows.map(({ code }) => code)).toEqual(['topic.unreachable', 'topic.unreachable']);
});

it('one that is set aside keeps its lease', async () => {
  const w = world({ manner: { confirms: 'later', leaseSeconds: (3 * DAY_MS) / 1000 }, oldLeaseMs: 3 * DAY_MS });
  await begin(w);
  w.provider.mishap = (index) => (index < 2 ? 'refused for good' : undefined);
  await go(w, START);
  expect(await states(w)).toEqual(['home', 'home']);
  for (let hour = 0; hour < 5 * 24; hour++) {
    await w.clock.sleep(3_600_000);
    await w.worker().step(await commands.theCampaign(w.context, 'callbacks'), new AbortController().signal);
    await w.provider.confirm();
  }
  expect((await load(w.store, 'subscription', FIRST))!.value.old.leaseUntil).toBeGreaterThan(w.clock.now());
  expect(w.provider.missed).toEqual([]);
});

it('a provider that names what it makes is not asked to make another one where the new URL gets nothing yet', async () => {
  const end = new AbortController();
  const w = world({
    manner: { confirms: 'answers' },
    fault: () => {
      if (w.clock.now() > began + 20 * 60_000) end.abort();
      return undefined;
    },
  });
  const began = w.clock.now();
  await begin(w);
  const { subscribe } = w.provider;
  w.provider.subscribe = async (request) => {
    const answer = await subscribe.call(w.provider, request);
    w.provider.active.delete(request.callback);
    return answer.status === 'done' ? { ...answer, reference: `ref ${w.provider.requests.length}` } : answer;
  };
  await STRAIGHT(w.context);
  await w.worker().step(await commands.theCampaign(w.context, 'callbacks'), end.signal);
  expect(end.signal.aborted).toBe(true);
  expect(w.provider.requests.toSorted()).toEqual(['subscribe /new/1', 'subscribe /new/2']);
});

it('a renewal that a hub never confirms is asked for again before a short lease is over', async () => {
  const w = world({ manner: { confirms: 'later', leaseSeconds: 1200 } });
  await begin(w);
  await go(w, START);
  const before = w.provider.requests.length;
  w.provider.mishap = (index) => (index < before + 2 ? 'forgotten' : undefined);
  for (let minute = 0; minute < 40; minute++) {
    await w.clock.sleep(60_000);
    await w.worker().step(await commands.theCampaign(w.context, 'callbacks'), new AbortController().signal);
    await w.provider.confirm();
    const { leaseUntil } = (await load(w.store, 'subscription', FIRST))!.value.new;
    expect(leaseUntil, `minute ${minute}`).toBeGreaterThan(w.clock.now());
  }
});
