import { afterEach, describe, expect, test } from 'vitest';
import { closeAll, obliging, scene } from './callbacks.ts';

afterEach(closeAll);

describe('a subscription', () => {
  test('is verified after the 202, with the lease that it is granted', async () => {
    const { hub, web, topic, subscribe, clock } = await scene();
    expect(await subscribe('/a?own=b%20c', { 'hub.lease_seconds': '60' })).toBe(202);
    const [got] = web.received;
    expect(got).toMatchObject({ method: 'GET', path: '/a' });
    expect(Object.fromEntries(got!.query)).toEqual({
      own: 'b c',
      'hub.mode': 'subscribe',
      'hub.topic': topic,
      'hub.lease_seconds': '60',
      'hub.challenge': expect.stringContaining('+/ ='),
    });
    const callback = web.url('/a?own=b%20c');
    expect(hub.log).toEqual({
      asked: [{ at: clock.now(), mode: 'subscribe', topic, callback, status: 202 }],
      verifications: [
        {
          at: clock.now(),
          mode: 'subscribe',
          topic,
          url: callback,
          attempt: 1,
          leaseSeconds: 60,
          status: 200,
          confirmed: true,
        },
      ],
      deliveries: [],
      subscriptions: [{ topic, callback, state: 'active', leaseSeconds: 60, leaseEndsAt: clock.now() + 60_000 }],
    });
  });

  test.each([
    ['another body', { status: 200, body: 'yes' }],
    ['a 404', { status: 404 }],
    ['a redirect', { status: 302, headers: { location: '/b' } }],
  ])('that is answered with %s is refused', async (_, reply) => {
    const { hub, web, subscribe, publish, stateOf } = await scene();
    web.answerVerifications('/a', reply);
    await subscribe('/a');
    await publish();
    expect(stateOf('/a')).toBe('refused');
    expect(web.received).toHaveLength(1);
    expect(hub.log.verifications).toMatchObject([{ status: reply.status, confirmed: false }]);
  });

  test('that is answered with the challenge, and 404, is refused', async () => {
    const { web, subscribe, stateOf } = await scene();
    web.answer('/a', (received) => ({ ...obliging(received), status: 404 }));
    await subscribe('/a');
    expect(stateOf('/a')).toBe('refused');
  });

  test.each([
    ['no such mode', { 'hub.mode': 'publicise' }, 400],
    ['no URL', { 'hub.callback': 'here' }, 400],
    ['a URL of another kind', { 'hub.callback': 'ftp://127.0.0.1/a' }, 400],
    ['a lease of nothing', { 'hub.lease_seconds': '0' }, 400],
    ['a lease that is not a number', { 'hub.lease_seconds': '1e3' }, 400],
    ['a secret of 200 bytes', { 'hub.secret': 'ä'.repeat(100) }, 400],
    ['a topic of somebody else', { 'hub.topic': 'http://127.0.0.1/elsewhere' }, 404],
  ])('with %s is not even verified', async (_, form, status) => {
    const { web, subscribe } = await scene();
    expect(await subscribe('/a', form)).toBe(status);
    expect(web.received).toEqual([]);
  });

  test('is over when its lease is, unless it was renewed', async () => {
    const { web, subscribe, publish, pass, stateOf } = await scene();
    await subscribe('/a', { 'hub.lease_seconds': '60' });
    await subscribe('/b', { 'hub.lease_seconds': '60' });
    await pass(59_999);
    await subscribe('/b', { 'hub.lease_seconds': '60' });
    await publish();
    await pass(1);
    await publish();
    expect([web.numbers('/a'), web.numbers('/b')]).toEqual([[1], [1, 2]]);
    expect([stateOf('/a'), stateOf('/b')]).toEqual(['expired', 'active']);
  });

  test('that is over can be made anew, and gets nothing of what was meant for the old one', async () => {
    const { hub, web, subscribe, unsubscribe, publish, pass, stateOf } = await scene();
    await subscribe('/a', { 'hub.lease_seconds': '60' });
    web.answerDeliveries('/a', { status: 500 });
    await publish(2);
    web.answerDeliveries('/a', undefined);
    await unsubscribe('/a');
    hub.set({ verifiesAfterMs: 100 });
    await subscribe('/a', { 'hub.lease_seconds': '60' });
    expect(stateOf('/a')).toBe('pending');
    await pass(100);
    await publish();
    await pass(60_000);
    expect([stateOf('/a'), web.numbers('/a')]).toEqual(['expired', [1, 3]]);
    await unsubscribe('/a');
    await pass(100);
    expect(hub.log.verifications.at(-1)).toMatchObject({ mode: 'unsubscribe', confirmed: true });
    expect(stateOf('/a')).toBe('expired');
  });

  test('that was ended while a delivery was under way is ended, whatever becomes of that', async () => {
    const { hub, web, topic, subscribe, unsubscribe, stateOf } = await scene({
      quirks: { dropsAfterFailures: 1 },
      patience: { answerMs: 2_000 },
    });
    await subscribe('/a');
    web.answerDeliveries('/a', 'silence');
    hub.publish(topic);
    await unsubscribe('/a');
    expect(hub.log.deliveries).toMatchObject([{ status: 'no answer' }]);
    expect(stateOf('/a')).toBe('unsubscribed');
  });

  test('is not ended by somebody whom the callback does not confirm', async () => {
    const { web, subscribe, unsubscribe, publish, stateOf } = await scene();
    await subscribe('/a');
    web.answerVerifications('/a', { status: 404 });
    expect(await unsubscribe('/a')).toBe(202);
    await publish();
    expect([stateOf('/a'), web.numbers('/a')]).toEqual(['active', [1]]);
    web.answerVerifications('/a', undefined);
    await unsubscribe('/a');
    await publish();
    expect([stateOf('/a'), web.numbers('/a')]).toEqual(['unsubscribed', [1]]);
  });
});
