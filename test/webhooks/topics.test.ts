import { expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { records } from '../../src/admin/records.ts';
import { defineMigration } from '../../src/define/migration.ts';
import { type SubscriptionTerms, subscription } from '../../src/define/subscription.ts';
import { load } from '../../src/engine/documents.ts';
import { subscriptionKey } from '../../src/engine/subscriptionDocument.ts';
import { Worker } from '../../src/engine/worker.ts';
import { key } from '../../src/record/key.ts';
import { memoryStore } from '../../src/store/memory.ts';
import { type Hub, websub } from '../../src/webhooks/index.ts';
import { content, handClock } from '../engine/harness.ts';

const REPO = key('Repo', 1);
const URLS = { old: 'https://app.example/old', new: 'https://app.example/new' };

/** What a hub is asked for a record with these terms, and how the record is listed if it is set aside. */
async function askedOf(terms: Omit<SubscriptionTerms, 'old' | 'new'>, hub?: Hub) {
  const asked: unknown[] = [];
  const provider: Hub = {
    name: 'provider',
    shape: 'overlap',
    subscribe: async ({ hub, topic }) => {
      asked.push({ hub, topic });
      return { status: 'done' };
    },
    unsubscribe: async () => ({ status: 'done' }),
  };
  const [store, clock] = [memoryStore(), handClock()];
  await store.overwrite([{ key: REPO, content: content({ ...URLS, ...terms }) }]);
  const rule = subscription<SubscriptionTerms>({
    of: 'Repo',
    hub: hub ?? provider,
    protocol: 'github',
    terms: (record) => record,
  });
  const migrations = [defineMigration({ name: 'hooks', version: 1, subscriptions: [rule] })];
  const context = { store, migrations, clock, by: 'ann' };
  await commands.start(context, 'hooks', { ramp: false });
  const worker = new Worker({ store, migrations, clock, id: 'w1' });
  const campaign = await commands.theCampaign(context, 'hooks');
  for (let i = 0; i < 3; i++) await worker.step(campaign, new AbortController().signal);
  const { records: listed } = await records(context, 'hooks', { quarantined: true });
  const state = (await load(store, 'subscription', subscriptionKey(REPO.toString())))?.value.state;
  return { asked, state, codes: listed.map(({ code }) => code) };
}

it('a topic is whatever the provider calls it, and a provider with one place for all needs no hub', async () => {
  const { asked, state, codes } = await askedOf({ topic: 'repos/ann/blog' });
  expect([asked[0], state, codes]).toEqual([{ hub: 'provider', topic: 'repos/ann/blog' }, 'proven', []]);
});

it('a hub that is to be discovered needs a topic that is a URL', async () => {
  const { codes } = await askedOf({ topic: 'repos/ann/blog' }, websub());
  expect(codes).toEqual(['transform.terms']);
});

it('without a topic there is no subscription', async () => {
  expect((await askedOf({ topic: '' })).codes).toEqual(['transform.terms']);
});
