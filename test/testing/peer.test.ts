import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import pubsubhubbub from 'pubsubhubbub';
import { afterEach, describe, expect, test } from 'vitest';
import { TestHub } from '../../src/testing/hub/hub.ts';
import { numbersIn, type TopicKind } from '../../src/testing/hub/topic.ts';
import { closeAll, closing } from './callbacks.ts';

afterEach(closeAll);

interface Feed {
  readonly topic: string;
  readonly feed: Buffer;
}

/** A subscriber that others have written. */
async function peer() {
  const subscriber = pubsubhubbub.createServer({ callbackUrl: '', leaseSeconds: 3600 });
  subscriber.listen(0, '127.0.0.1');
  await once(subscriber, 'listen');
  closing({ close: () => void subscriber.server.close() });
  subscriber.callbackUrl = `http://127.0.0.1:${(subscriber.server.address() as AddressInfo).port}/`;
  const feeds: Feed[] = [];
  const confirmed: string[] = [];
  subscriber.on('feed', (feed: Feed) => feeds.push(feed));
  for (const mode of ['subscribe', 'unsubscribe', 'denied'])
    subscriber.on(mode, ({ topic }) => confirmed.push(`${mode} ${topic}`));
  return {
    feeds,
    confirmed,
    subscribe: promisify(subscriber.subscribe.bind(subscriber)),
    unsubscribe: promisify(subscriber.unsubscribe.bind(subscriber)),
  };
}

describe('an independent subscriber', () => {
  test.each<TopicKind>(['atom', 'json'])(
    'subscribes, is verified, gets every %s update, and unsubscribes',
    async (kind) => {
      const hub = closing(await TestHub.start());
      const topic = hub.addTopic('news', kind);
      const { feeds, confirmed, subscribe, unsubscribe } = await peer();

      await subscribe(topic, hub.url);
      await hub.idle();
      expect(confirmed).toEqual([`subscribe ${topic}`]);
      expect(hub.log.subscriptions).toMatchObject([{ topic, state: 'active', leaseSeconds: 3600 }]);

      for (let i = 0; i < 3; i++) hub.publish(topic);
      await hub.idle();
      expect(feeds.map((each) => each.topic)).toEqual([topic, topic, topic]);
      expect(feeds.map(({ feed }) => numbersIn(feed.toString())[0])).toEqual([1, 2, 3]);

      await unsubscribe(topic, hub.url);
      await hub.idle();
      expect(confirmed).toEqual([`subscribe ${topic}`, `unsubscribe ${topic}`]);
      hub.publish(topic);
      await hub.idle();
      expect(feeds).toHaveLength(3);
      expect(hub.log.subscriptions).toMatchObject([{ state: 'unsubscribed' }]);
    },
  );

  test('is told that it is denied', async () => {
    const hub = closing(await TestHub.start());
    const topic = hub.addTopic('news');
    const { confirmed, subscribe } = await peer();
    await subscribe(topic, hub.url);
    await hub.idle();
    await hub.deny(topic, hub.log.subscriptions[0]!.callback);
    expect(confirmed).toEqual([`subscribe ${topic}`, `denied ${topic}`]);
    expect(hub.log.subscriptions).toMatchObject([{ state: 'denied' }]);
  });
});
