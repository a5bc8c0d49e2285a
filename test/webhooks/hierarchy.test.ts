import { describe, expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { records } from '../../src/admin/records.ts';
import { defineMigration } from '../../src/define/migration.ts';
import { subscription } from '../../src/define/subscription.ts';
import { verify } from '../../src/engine/verify.ts';
import { LIMITS } from '../../src/limits.ts';
import { key } from '../../src/record/key.ts';
import { withGroup } from '../../src/router/group.ts';
import { content, STRIKES } from '../engine/harness.ts';
import {
  COMPLETE,
  feedOf,
  go,
  groups,
  owners,
  posted,
  put,
  REVERSE,
  rest,
  START,
  STRAIGHT,
  SWITCH,
  seedUsers,
  stateOf,
  states,
  type World,
  world,
} from './hierarchyWorld.ts';
import { PATIENCE_MS, partOf } from './part.ts';

const NEW = ['/new/account', '/new/feed1', '/new/feed2', '/new/hook'];
const OLD = ['/old/account', '/old/feed1', '/old/feed2', '/old/hook'];
const all = (state: string) => [state, state, state, state];

async function verified(w: World) {
  const campaign = await commands.theCampaign(w.context, 'feeds');
  return verify(w.store, w.migration, campaign, { clock: w.clock, restart: true });
}

describe('a group of records and subscriptions', () => {
  it('is whole when both have arrived, and takes along those of records that move, that stay, and that are named', async () => {
    const w = world();
    await seedUsers(w);
    await go(w, START);
    expect([await groups(w), await states(w), posted(w)]).toEqual([
      { ann: 'gathering', bob: 'gathering' },
      all('proven'),
      [...NEW, ...OLD],
    ]);
    await go(w, SWITCH);
    expect([await groups(w), await states(w), posted(w)]).toEqual([
      { ann: 'whole', bob: 'whole' },
      all('switched'),
      NEW,
    ]);
    await go(w, COMPLETE);
    expect([await groups(w), await states(w)]).toEqual([{ ann: 'whole', bob: 'whole' }, all('settled')]);
    expect(w.provider.missed).toEqual([]);
    const subscriptions = { seen: 4, arrived: 4, onTheWay: 0, quarantined: 0 };
    expect(await verified(w)).toMatchObject({ clean: true, started: 6, completed: 6, subscriptions });
  });

  it('goes home as a whole when the operator thinks again, from each stage and half way', async () => {
    for (const way of [[START], [START, SWITCH]]) {
      const w = world();
      await seedUsers(w);
      await go(w, ...way, REVERSE);
      expect([await states(w), posted(w), await owners(w, 'User')]).toEqual([all('home'), OLD, []]);
      await go(w, START, SWITCH);
      // In the middle of each.
      await REVERSE(w.context);
      await rest(w, async () => (await states(w)).includes('returning'));
      await SWITCH(w.context);
      await rest(w, async () => (await states(w)).includes('unsubscribing'));
      await go(w, REVERSE, STRAIGHT);
      expect([await states(w), posted(w), await owners(w, 'Feed')]).toEqual([all('settled'), NEW, []]);
      expect(w.provider.missed).toEqual([]);
    }
  });

  it('that waits for a subscription is joined: its records are one transaction, and no old URL of it is given up', async () => {
    const w = world();
    await seedUsers(w);
    w.provider.mishap = (i) => (w.provider.requests[i] === 'subscribe /new/feed1' ? 'forgotten' : undefined);
    await commands.start(w.context, 'feeds', { ramp: false, to: 'switched' });
    await rest(w, async () => (await groups(w))['bob'] === 'whole' && (await groups(w))['ann'] === 'joined');
    expect(await groups(w)).toEqual({ ann: 'joined', bob: 'whole' });
    expect(await states(w)).toEqual(['verifying', 'switched', 'proven', 'switched']);
    expect(posted(w)).toEqual(['/new/account', '/new/feed2', '/new/hook', '/old/feed1', '/old/hook']);
    expect((await owners(w, 'User')).length).toBe(6);
    const options = { store: w.store, migration: w.migration, clock: w.clock };
    const read = await withGroup(options, key('User', 'ann'), (group) =>
      group.get(w.feeds, key('User', 'ann', 'Feed', 1)),
    );
    expect(read).toMatchObject({ title: 'OF ANN' });
    w.provider.mishap = () => undefined;
    await rest(w);
    expect([await groups(w), await states(w)]).toEqual([{ ann: 'whole', bob: 'whole' }, all('switched')]);
    expect(w.provider.missed).toEqual([]);
  });

  it('of which the hub refuses one moves its records, keeps its old URLs, and is whole after retry', async () => {
    const w = world();
    await seedUsers(w);
    w.provider.mishap = (i) => (w.provider.requests[i] === 'subscribe /new/feed1' ? 'refused for good' : undefined);
    await go(w, START, SWITCH);
    expect([await groups(w), await states(w)]).toEqual([
      { ann: 'joined', bob: 'whole' },
      ['home', 'switched', 'proven', 'switched'],
    ]);
    expect((await records(w.context, 'feeds', { quarantined: true })).records).toMatchObject([
      { key: 'Feed:1', code: 'subscription.refused' },
    ]);
    w.provider.mishap = () => undefined;
    await commands.retry(w.context, 'feeds', {});
    await rest(w);
    await go(w, COMPLETE);
    expect([await groups(w), await states(w)]).toEqual([{ ann: 'whole', bob: 'whole' }, all('settled')]);
    expect(w.provider.missed).toEqual([]);
  });

  it('of which one is refused for ever can be completed without it', async () => {
    const w = world();
    await seedUsers(w);
    w.provider.mishap = (i) => (w.provider.requests[i] === 'subscribe /new/feed1' ? 'refused for good' : undefined);
    await go(w, START, SWITCH);
    await commands.complete(w.context, 'feeds', { leaveQuarantined: true });
    expect(await rest(w)).toMatchObject({ stage: 'completed', closed: true });
    expect(await states(w)).toEqual(['home', 'settled', 'settled', 'settled']);
    expect(await owners(w, 'Feed')).toEqual([]);
    expect(w.provider.missed).toEqual([]);
  });

  it('with a record that cannot be moved keeps both URLs of all, and goes back to the old ones when it is left', async () => {
    const w = world();
    await seedUsers(w);
    await put(w, key('Feed', 7), { ...feedOf('ann'), title: 'bad' });
    await go(w, START, SWITCH);
    expect([await groups(w), await states(w)]).toEqual([
      { ann: 'gathering', bob: 'whole' },
      ['proven', 'switched', 'proven', 'switched'],
    ]);
    await commands.complete(w.context, 'feeds', { leaveQuarantined: true });
    expect(await rest(w)).toMatchObject({ stage: 'completed', closed: true });
    expect(await states(w)).toEqual(['home', 'settled', 'home', 'settled']);
    expect(posted(w)).toEqual(['/new/account', '/new/feed2', '/old/feed1', '/old/hook']);
    expect(w.provider.missed).toEqual([]);
  });

  it.each(Object.entries(STRIKES))(
    'misses nothing whichever call of a worker is struck: %s',
    { timeout: PATIENCE_MS },
    async (kind, strike) => {
      const way = [START, SWITCH, REVERSE, START, SWITCH, COMPLETE];
      const whole = world();
      await seedUsers(whole);
      await go(whole, ...way);
      const stride = Math.ceil(whole.calls() / 40);
      for (const part of partOf(8, Object.keys(STRIKES).indexOf(kind))) {
        const first = part * Math.ceil(stride / 8);
        if (first >= stride) break;
        const struck = (index: number) => index % stride === first && index < 40 * stride;
        const w = world({ fault: (index, call) => (struck(index) ? strike(call) : undefined) });
        await seedUsers(w);
        await go(w, ...way);
        expect(w.provider.missed, `struck from call ${first} on, each ${stride}`).toEqual([]);
        expect([await groups(w), await states(w), posted(w)]).toEqual([
          { ann: 'whole', bob: 'whole' },
          all('settled'),
          NEW,
        ]);
        expect((await owners(w, 'User')).length).toBe(6);
      }
    },
  );

  it('takes two workers, and ends as it does with one', async () => {
    const w = world();
    await seedUsers(w);
    for (const say of [START, SWITCH, COMPLETE]) {
      await say(w.context);
      const [one, two] = [w.worker(), w.worker()];
      const signal = new AbortController().signal;
      for (let i = 0; i < 4; i++) {
        const campaign = await commands.theCampaign(w.context, 'feeds');
        await Promise.all([one.step(campaign, signal), two.step(campaign, signal)]);
        await w.clock.sleep(1000);
        await w.provider.publish();
      }
      await rest(w);
    }
    expect([await groups(w), await states(w), posted(w)]).toEqual([
      { ann: 'whole', bob: 'whole' },
      all('settled'),
      NEW,
    ]);
    expect(w.provider.missed).toEqual([]);
  });

  it('that a record joins by an insert, and another by a change of its user, has their subscriptions too', async () => {
    const w = world();
    await seedUsers(w);
    await go(w, START);
    const router = w.router();
    await router.insert({ from: key('Feed', 9) }, feedOf('bob', 'feed9'));
    w.provider.post('https://app.example/old/feed9', 'https://blog.example/feed9');
    // By an application that does not use the router yet.
    await w.store.overwrite([{ key: key('Feed', 1), content: content(feedOf('bob', 'feed1')) }]);
    // Of ann, only the hook is left.
    w.provider.mishap = (i) => (w.provider.requests[i] === 'subscribe /new/feed9' ? 'forgotten' : undefined);
    await SWITCH(w.context);
    await rest(w, async () => (await groups(w))['ann'] === 'whole' && (await groups(w))['bob'] === 'joined');
    expect([await stateOf(w, 'Feed:1'), await stateOf(w, 'User:ann/Hook:1')]).toEqual(['proven', 'switched']);
    w.provider.mishap = () => undefined;
    await rest(w);
    await go(w, COMPLETE);
    expect([await groups(w), await states(w), await stateOf(w, 'Feed:9')]).toEqual([
      { ann: 'whole', bob: 'whole' },
      all('settled'),
      'settled',
    ]);
    expect(w.provider.missed).toEqual([]);
  });
});

describe('a subscription of a record that moves, record by record,', () => {
  it('is found although the record is in its new home before anything was asked', async () => {
    const w = world({ by: 'record' });
    await seedUsers(w);
    await go(w, STRAIGHT);
    expect([await states(w), posted(w), await owners(w, 'Feed')]).toEqual([all('settled'), NEW, []]);
    expect(w.provider.missed).toEqual([]);
  });

  it('is found when a client inserted the record and moved it on at once, and when it begins after the switch', async () => {
    const w = world({ by: 'record' });
    await seedUsers(w);
    await go(w, START, SWITCH);
    const router = w.router('write');
    const campaign = await commands.theCampaign(w.context, 'feeds');
    await router.insert({ from: key('Feed', 9) }, feedOf('bob', 'feed9'));
    await router.update({ from: key('Feed', 3) }, (feed) => ({ ...feed, push: 'feed3' }));
    for (const push of ['feed3', 'feed9'])
      w.provider.post(`https://app.example/old/${push}`, `https://blog.example/${push}`);
    expect(await owners(w, 'User')).toContain('User:bob/Feed:9');
    await w.clock.sleep(LIMITS.restSweepMs + 1);
    await w.worker().step(campaign, new AbortController().signal);
    await rest(w);
    expect([await stateOf(w, 'Feed:3'), await stateOf(w, 'Feed:9')]).toEqual(['switched', 'switched']);
    await go(w, COMPLETE);
    expect(posted(w)).toEqual([...NEW, '/new/feed3', '/new/feed9'].toSorted());
    expect(w.provider.missed).toEqual([]);
  });

  it('is taken on by a later campaign of the records in their new home', async () => {
    const w = world({ by: 'record' });
    await seedUsers(w);
    await go(w, STRAIGHT);
    const rule = subscription<{ push: string }>({
      of: 'User/Feed',
      hub: w.provider,
      protocol: 'websub',
      terms: ({ push }) =>
        push === ''
          ? undefined
          : {
              topic: `https://blog.example/${push}`,
              hub: 'https://hub.example/',
              old: `https://app.example/new/${push}`,
              new: `https://app.example/third/${push}`,
            },
    });
    const migration = defineMigration({ name: 'feeds', version: 2, subscriptions: [rule] });
    const context = { ...w.context, migrations: [migration] };
    await go({ ...w, context, worker: () => w.worker([migration]) }, START, SWITCH, COMPLETE);
    expect(await stateOf(w, 'User:ann/Feed:1')).toBe('settled');
    expect(posted(w)).toEqual(['/new/account', '/new/hook', '/third/feed1', '/third/feed2']);
    expect((await w.callbacks.find('/new/feed1'))?.gone).toBe(true);
    expect(w.provider.missed).toEqual([]);
  });
});
