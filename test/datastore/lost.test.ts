import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { key } from '../../src/record/key.ts';
import { datastoreStore } from '../../src/store/datastore/datastore.ts';
import type { Mutation, Store } from '../../src/store/store.ts';
import { connectionTo, describeEachMode, newProject } from '../emulators/each.ts';
import { numbered, numberOf, readOne, statuses } from '../store/contract/steps.ts';

/** Passes everything on, until it is told to keep the answers to itself. */
class Relay {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #deaf = false;
  #onSwallowed = () => {};

  private constructor(to: string) {
    const [host, port] = to.split(':');
    this.#server = createServer((inward) => {
      const outward = connect(Number(port), host);
      for (const socket of [inward, outward]) {
        this.#sockets.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => {
          this.#sockets.delete(socket);
          inward.destroy();
          outward.destroy();
        });
      }
      inward.pipe(outward);
      outward.on('data', (bytes) => {
        if (!this.#deaf) inward.write(bytes);
        else this.#onSwallowed();
      });
    });
  }

  static async to(host: string): Promise<Relay> {
    const relay = new Relay(host);
    relay.#server.listen(0, '127.0.0.1');
    await once(relay.#server, 'listening');
    return relay;
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as { port: number }).port}`;
  }

  /** From now on no answer gets through. Resolves when the first one was kept back. */
  swallow(): Promise<void> {
    this.#deaf = true;
    return new Promise((resolve) => {
      this.#onSwallowed = resolve;
    });
  }

  /** Breaks all connections; new ones are served again. */
  heal(): void {
    this.#deaf = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    this.#server.close();
    this.heal();
  }
}

describeEachMode('datastore: lost answers', (mode) => {
  const opened: { close(): unknown }[] = [];
  afterEach(async () => {
    for (const each of opened.splice(0)) await each.close();
  });
  const through = async (deadlineMs: number) => {
    const projectId = newProject();
    const relay = await Relay.to(connectionTo(mode).emulatorHost);
    const store = await datastoreStore({ projectId, emulatorHost: relay.host, deadlineMs });
    const direct = await datastoreStore(connectionTo(mode, projectId));
    opened.push(store, direct, relay);
    return { relay, store, direct };
  };
  const until = async (direct: Store, n: number) => {
    const deadline = Date.now() + 20_000;
    while (numberOf(await readOne(direct, key('Feed', 1))) !== n)
      if (Date.now() > deadline) throw new Error('never applied');
  };
  const inserts = [1, 2].map((id): Mutation => ({ op: 'insert', key: key('Feed', id), content: numbered(id) }));

  it.each([
    ['commit', (store: Store) => store.commit(inserts)],
    ['commitTogether', (store: Store) => store.commitTogether([inserts])],
  ] as const)(
    'a %s whose connection breaks after it was applied is unknown, and is not sent again',
    async (_, write) => {
      const { relay, store, direct } = await through(30_000);
      const swallowed = relay.swallow();
      const answer = statuses(write(store));
      await swallowed;
      await until(direct, 1);
      const { version } = (await readOne(direct, key('Feed', 1)))!;
      relay.heal();
      expect(new Set(await answer)).toEqual(new Set(['unknown']));
      expect((await readOne(direct, key('Feed', 1)))!.version).toBe(version);
      // The same store goes on: its next call makes a new connection.
      expect(await statuses(store.commit(inserts))).toEqual(['conflict', 'conflict']);
    },
  );

  it('a commit without an answer within the deadline is unknown', async () => {
    const { relay, store, direct } = await through(1_500);
    void relay.swallow();
    const outcomes = await store.commit(inserts);
    expect(outcomes.map(({ status }) => status)).toEqual(['unknown', 'unknown']);
    expect(outcomes[0]).toMatchObject({ cause: expect.stringMatching(/deadline/i) });
    await until(direct, 1);
    relay.heal();
  });

  it('a read is asked again, and answers once the connection is back', async () => {
    const { relay, store, direct } = await through(1_500);
    await direct.commit(inserts);
    const swallowed = relay.swallow();
    const read = readOne(store, key('Feed', 1));
    await swallowed;
    relay.heal();
    expect(numberOf(await read)).toBe(1);
  });

  it('a read that gets no answer at all says so, and is no empty answer', async () => {
    const { relay, store } = await through(1_000);
    void relay.swallow();
    await expect(store.read([key('Feed', 1)])).rejects.toMatchObject({ code: 'store.unknown' });
    await expect(store.scan({ namespace: '', kind: 'Feed' }, 5)).rejects.toMatchObject({ code: 'store.unknown' });
    relay.heal();
  });
});
