import { setTimeout as sleep } from 'node:timers/promises';
import { Content, fromPlain, key, Router, type Store, systemClock } from 'handover';
import { Outbox } from 'handover/webhooks';
import migration, { type Endpoint, type Subscriber } from '../migrations/new-endpoints.ts';
import { secretOf } from './subscribers.ts';

const endpointKey = (n: number) => key('Endpoint', n);
const accountOf = (n: number) => `a${n % 25}`;
export const addressOf = (n: number) => ({
  from: key('Subscriber', n),
  into: key('Account', accountOf(n), 'Subscriber', n),
});

/** Subscribers that one event is addressed to. */
const ADDRESSED = 10;
const PERIOD_MS = 25;
const HANDS = 2;
/** Deliveries that may wait before the application holds back with new events. */
const BACKLOG = 80;

/** From a tenth to everything in two seconds: in earnest that takes five minutes. */
const SHARE = { start: 10, growth: 2, intervalMs: 500 };

/** An application that tells its subscribers what happened: it counts that in their records, and puts it in the outbox. */
export class Application {
  readonly #store: Store;
  readonly #urls: ReadonlyMap<number, string>;
  readonly #count: number;
  readonly #router: Router<Subscriber>;
  readonly #outboxes: readonly Outbox[];
  /** What was put for each subscriber. */
  readonly put = new Map<number, Set<string>>();

  constructor(store: Store, urls: ReadonlyMap<number, string>) {
    this.#store = store;
    this.#urls = urls;
    this.#count = urls.size;
    this.#router = new Router({ store, rule: migration.records[0]!, clock: systemClock });
    const endpoint = ({ id }: { readonly id: unknown }) => ({
      url: `${urls.get(Number(id))}/old`,
      secret: secretOf(Number(id), 'old'),
    });
    // Two that send, as if they were two processes.
    const options = { store, endpoint, share: SHARE, allow: ['127.0.0.1'] };
    this.#outboxes = [new Outbox(options), new Outbox(options)];
  }

  get events(): number {
    return this.#events;
  }
  #events = 0;

  async seed(): Promise<void> {
    const puts = [...this.#urls].flatMap(([n, url]) => {
      const endpoint: Endpoint = {
        old: `${url}/old`,
        new: `${url}/new`,
        oldSecret: secretOf(n, 'old'),
        newSecret: secretOf(n, 'new'),
      };
      const record: Subscriber = { account: accountOf(n), events: 0 };
      return [
        { key: endpointKey(n), content: Content.of(fromPlain({ ...endpoint })) },
        { key: addressOf(n).from, content: Content.of(fromPlain({ ...record })) },
      ];
    });
    await this.#store.overwrite(puts);
  }

  /** Sends what is in the outbox, until the signal aborts. */
  async send(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#outboxes.map((outbox) => outbox.work(signal)));
  }

  /** Lets things happen, several at once, until the signal aborts. */
  async live(signal: AbortSignal): Promise<void> {
    const hand = async () => {
      while (!signal.aborted) {
        await sleep(PERIOD_MS);
        if ((await this.waiting()) < BACKLOG) await this.#happen();
      }
    };
    await Promise.all(Array.from({ length: HANDS }, hand));
  }

  async #happen(): Promise<void> {
    const id = `evt_${++this.#events}`;
    const first = this.#events * ADDRESSED;
    const addressed = Array.from({ length: ADDRESSED }, (_, i) => ((first + i) % this.#count) + 1);
    const body = JSON.stringify({ type: 'thing.happened', timestamp: new Date().toISOString(), data: { id } });
    const counted = addressed.map(async (n) => {
      await this.#router.update(addressOf(n), (record) => ({ ...record, events: record.events + 1 }));
      this.put.set(n, (this.put.get(n) ?? new Set()).add(id));
    });
    await Promise.all(counted);
    await this.#outboxes[0]!.put({ id, body }, addressed.map(endpointKey));
  }

  /** Deliveries that are not in yet. */
  async waiting(): Promise<number> {
    let waiting = 0;
    for await (const _ of this.#outboxes[0]!.list('received')) waiting++;
    return waiting;
  }
}
