import { afterEach, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { key } from '../../src/record/key.ts';
import { datastoreStore } from '../../src/store/datastore/datastore.ts';
import type { Mutation, Store } from '../../src/store/store.ts';
import { connectionTo, describeEachMode, newProject } from '../emulators/each.ts';
import { CALM, Network, type Weather } from '../soak/network.ts';
import { numbered, numberOf, readOne, statuses } from '../store/contract/steps.ts';

/** From the first answer on, a connection gets none any more, and stays. */
const DEAF: Weather = { ...CALM, swallow: 0 };
const STAYING = { random: () => 0.9, delayMs: 0, stallMs: 120_000 };

const heal = (network: Network) => {
  network.weather = CALM;
  network.break();
};

describeEachMode('datastore: lost answers', (mode) => {
  const opened: { close(): unknown }[] = [];
  afterEach(async () => {
    for (const each of opened.splice(0)) await each.close();
  });
  const through = async (deadlineMs: number) => {
    const projectId = newProject();
    const network = await Network.to(connectionTo(mode).emulatorHost, STAYING);
    const store = await datastoreStore({ projectId, emulatorHost: network.host, deadlineMs });
    const direct = await datastoreStore(connectionTo(mode, projectId));
    opened.push(store, direct, network);
    return { network, store, direct };
  };
  const until = async (direct: Store, n: number) => {
    const deadline = Date.now() + 20_000;
    while (numberOf(await readOne(direct, key('Feed', 1))) !== n)
      if (Date.now() > deadline) throw new Error('never applied');
  };
  const swallowed = async ({ counts }: Network) => {
    const deadline = Date.now() + 20_000;
    while (counts.swallowedAnswers === 0) {
      if (Date.now() > deadline) throw new Error('there was no answer');
      await systemClock.sleep(5);
    }
  };
  const inserts = [1, 2].map((id): Mutation => ({ op: 'insert', key: key('Feed', id), content: numbered(id) }));

  it.each([
    ['commit', (store: Store) => store.commit(inserts)],
    ['commitTogether', (store: Store) => store.commitTogether([inserts])],
  ] as const)(
    'a %s whose connection breaks after it was applied is unknown, and is not sent again',
    async (_, write) => {
      const { network, store, direct } = await through(30_000);
      network.weather = DEAF;
      const answer = statuses(write(store));
      await swallowed(network);
      await until(direct, 1);
      const { version } = (await readOne(direct, key('Feed', 1)))!;
      heal(network);
      expect(new Set(await answer)).toEqual(new Set(['unknown']));
      expect((await readOne(direct, key('Feed', 1)))!.version).toBe(version);
      // The same store goes on: its next call makes a new connection.
      expect(await statuses(store.commit(inserts))).toEqual(['conflict', 'conflict']);
    },
  );

  it('a commit without an answer within the deadline is unknown', async () => {
    const { network, store, direct } = await through(1_500);
    network.weather = DEAF;
    const outcomes = await store.commit(inserts);
    expect(outcomes.map(({ status }) => status)).toEqual(['unknown', 'unknown']);
    expect(outcomes[0]).toMatchObject({ cause: expect.stringMatching(/deadline/i) });
    await until(direct, 1);
    heal(network);
  });

  it('a read is asked again, and answers once the connection is back', async () => {
    const { network, store, direct } = await through(1_500);
    await direct.commit(inserts);
    network.weather = DEAF;
    const read = readOne(store, key('Feed', 1));
    await swallowed(network);
    heal(network);
    expect(numberOf(await read)).toBe(1);
  });

  it('a read that gets no answer at all says so, and is no empty answer', async () => {
    const { network, store } = await through(1_000);
    network.weather = DEAF;
    const asked = [store.read([key('Feed', 1)]), store.scan({ namespace: '', kind: 'Feed' }, 5)];
    await Promise.all(asked.map((each) => expect(each).rejects.toMatchObject({ code: 'store.unknown' })));
    heal(network);
  });
});
