import { describe, expect, it } from 'vitest';
import { retry } from '../../src/admin/commands.ts';
import { records } from '../../src/admin/records.ts';
import { systemClock } from '../../src/clock.ts';
import { COMPLETE, REVERSE, RIGHT, START, SWITCH, sending } from './senders.ts';
import { until } from './world.ts';

const sides = (posted: readonly { readonly side: string }[]) => [...new Set(posted.map(({ side }) => side))].sort();

describe('subscribers whose endpoints are switched while events flow', () => {
  it('miss nothing on the whole way; the old endpoints hear nothing more once they are drained', async () => {
    const w = await sending();
    w.work();
    await w.publish(3);
    await w.drained();
    expect(sides(w.posted)).toEqual(['old']);
    await w.go(START);
    expect(await w.stateOf(1)).toBe('proven');
    await w.go(SWITCH);
    expect(await w.stateOf(1)).toBe('switched');
    const switchedAt = w.posted.length;
    await w.publish(5);
    await w.go(COMPLETE);
    await w.publish(2);
    await w.drained();
    expect([await w.stateOf(1), await w.stateOf(2)]).toEqual(['settled', 'settled']);
    expect(sides(w.posted.slice(switchedAt))).toEqual(['new']);
    expect(w.wrongs()).toEqual(RIGHT);
    // Nothing was sent twice: all went well.
    expect(new Set(w.challenges)).toEqual(new Set(['/new/1', '/new/2']));
    expect(w.posted).toHaveLength(2 * w.published.length);
  });

  it('get a growing share at the new endpoint, and no event changes sides as it grows', async () => {
    const w = await sending(1);
    w.work();
    await w.go(START);
    const bySide = (posted: typeof w.posted) => posted.filter(({ side }) => side === 'new').length / posted.length;
    const half = Math.floor(w.posted.length / 2);
    expect(bySide(w.posted.slice(0, half))).toBeLessThan(bySide(w.posted.slice(half)));
    await w.drained();
    w.traffic = false;
    const before = w.posted.length;
    await w.publish(10);
    await w.drained();
    expect(sides(w.posted.slice(before))).toEqual(['new']);
    expect(w.wrongs()).toEqual(RIGHT);
  });

  it.each([
    ['from the trial on', [] as const],
    ['after the switch', [SWITCH] as const],
  ])('go back to the old ones by a reverse, %s, and over once more', async (_, way) => {
    const w = await sending();
    w.work();
    await w.go(START, ...way, REVERSE);
    expect(await w.stateOf(1)).toBe('home');
    await w.drained();
    const before = w.posted.length;
    w.traffic = false;
    await w.publish(5);
    await w.drained();
    expect(sides(w.posted.slice(before))).toEqual(['old']);
    w.traffic = true;
    await w.go(START, SWITCH, COMPLETE);
    await w.drained();
    expect(w.wrongs()).toEqual(RIGHT);
    // The old ones were endpoints before anybody challenged any.
    expect(new Set(w.challenges)).toEqual(new Set(['/new/1', '/new/2']));
  });

  it.each([
    ['says something else', () => 'hello'],
    ['answers 404', () => 404],
  ])('stay at the old endpoint where the new one %s, and are listed until it answers', async (_, challenge) => {
    const w = await sending();
    w.work();
    w.rules.challenge = (word, subscriber) => (subscriber === '1' ? challenge() : word);
    await w.go(START);
    expect([await w.stateOf(1), await w.stateOf(2)]).toEqual(['home', 'proven']);
    const [row, ...others] = (await records(w.context, 'endpoints', { quarantined: true })).records;
    expect([row?.code, others]).toEqual(['subscription.refused', []]);
    await w.go(SWITCH);
    await w.drained();
    expect(sides(w.posted.filter(({ subscriber }) => subscriber === '1'))).toEqual(['old']);
    w.rules.challenge = (word) => JSON.stringify({ challenge: word });
    await retry(w.context, 'endpoints', {});
    await w.go(SWITCH, COMPLETE);
    await w.drained();
    expect(await w.stateOf(1)).toBe('settled');
    expect(w.wrongs()).toEqual(RIGHT);
  });
});

describe('an endpoint on trial that', () => {
  it('fails is not proven; each event falls back to the old one in the same attempt, until it is well', async () => {
    const w = await sending(1);
    w.work();
    w.rules.answer = ({ side }) => (side === 'new' ? 500 : 200);
    await START(w.context);
    await w.turn(100);
    expect(await w.stateOf(1)).toBe('overlapping');
    await until('all is sent', async () => (await w.waiting()) === 0);
    const tried = w.posted.filter(({ side }) => side === 'new').map(({ id }) => id);
    expect(tried.length).toBeGreaterThan(3);
    expect(new Set(tried).size).toBe(tried.length);
    const old = new Set(w.posted.filter(({ side }) => side === 'old').map(({ id }) => id));
    expect(tried.filter((id) => !old.has(id))).toEqual([]);
    // A failure takes its share back.
    expect(tried.length).toBeLessThan(old.size / 2);
    w.rules.answer = () => 200;
    await w.go(START, SWITCH, COMPLETE);
    await w.drained();
    expect(w.wrongs()).toEqual(RIGHT);
  });

  it('fails once it is proven holds up the switch, not the events', async () => {
    const w = await sending(1);
    w.work();
    await w.go(START);
    w.rules.answer = ({ side }) => (side === 'new' ? 503 : 200);
    w.traffic = false;
    await w.publish(5);
    await w.drained();
    w.traffic = true;
    await SWITCH(w.context);
    expect(await w.turn(60)).toBe(false);
    expect(await w.stateOf(1)).toBe('proven');
    w.rules.answer = () => 200;
    await w.go(SWITCH);
    expect(await w.stateOf(1)).toBe('switched');
    await w.drained();
    expect(w.wrongs()).toEqual(RIGHT);
  });

  it('takes an event and loses its answer sees it on the old one too, by the same id', async () => {
    const w = await sending(1);
    w.work();
    w.rules.answer = ({ side }) => (side === 'new' ? 'lost' : 200);
    await START(w.context);
    await w.turn(60);
    await until('all is sent', async () => (await w.waiting()) === 0);
    const doubles = w.posted.filter(({ side }) => side === 'new');
    expect(doubles.length).toBeGreaterThan(0);
    for (const { id, body } of doubles)
      expect(w.posted).toContainEqual({ id, body, side: 'old', subscriber: '1', status: 200 });
  });
});

describe('an old endpoint that is given up', () => {
  it('is tried once more with what is in retry there, before it counts as drained; then the new one gets it', async () => {
    const w = await sending(1);
    w.work();
    await w.go(START);
    w.traffic = false;
    // In retry at both: the old one is down, and the new one just now.
    w.rules.answer = () => 500;
    await w.publish(4);
    await until(
      'all were tried',
      () => w.posted.filter(({ side, status }) => side === 'old' && status === 500).length >= 4,
    );
    w.rules.answer = ({ side }) => (side === 'old' ? 500 : 200);
    // The trial has to be passed anew.
    w.traffic = true;
    await w.go(SWITCH);
    await w.drained();
    expect(await w.stateOf(1)).toBe('switched');
    expect(w.wrongs()).toEqual(RIGHT);
  });

  it('is not switched as long as something is in retry there', async () => {
    const w = await sending(1);
    const first = w.work();
    await w.go(START);
    await w.drained();
    await first.stop();
    w.traffic = false;
    // As a sender leaves it that died in an attempt at the old endpoint.
    let tried = false;
    w.rules.answer = () => {
      tried = true;
      return 'never';
    };
    const stuck = await sendingTo(w, 'old');
    expect(tried).toBe(false);
    await SWITCH(w.context);
    expect(await w.turn(30)).toBe(false);
    expect(await w.stateOf(1)).toBe('draining');
    w.rules.answer = () => 200;
    w.work();
    await w.go(SWITCH);
    expect(await w.stateOf(1)).toBe('switched');
    expect(w.posted.at(-1)).toMatchObject({ side: 'old', status: 200, id: stuck });
  });
});

/** Stores an event that is in retry at one side. */
async function sendingTo(w: Awaited<ReturnType<typeof sending>>, side: 'old' | 'new'): Promise<string> {
  const { deliveryContent, decodeDelivery, deliveryKeyOf, SENDING } = await import('../../src/webhooks/deliveries.ts');
  await w.publish(1);
  await systemClock.sleep(1);
  for await (const { id, identity } of w.main.list('received')) {
    const [entity] = await w.store.read([deliveryKeyOf(id, SENDING)]);
    const { key, value, body, version } = decodeDelivery(entity!);
    const retryAt = `${side} ${value.subscription}`;
    const content = deliveryContent({ ...value, attempts: 1, side, retryAt }, body);
    await w.store.commit([{ op: 'update', key, version, content }]);
    return identity;
  }
  throw new Error('nothing waits');
}
