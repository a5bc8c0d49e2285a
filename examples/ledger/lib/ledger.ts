import { setTimeout as sleep } from 'node:timers/promises';
import { Content, fromPlain, key, type Migration, Router, type Store, Timestamp } from 'handover';
import { amountOf, type Balances, booked, type Movement, movements } from '../migrations/ledger.ts';

const ACCOUNTS = ['bank', 'cash', 'rent', 'food', 'salary'] as const;
const CURRENCIES = ['EUR', 'CHF'] as const;
const BOOKS = 40;
const WRITERS = 4;
/** After each request of a writer or auditor. An emulator takes long over each, and has a migration to serve as well. */
const PAUSE_MS = process.env['DATASTORE_EMULATOR_HOST'] ? 100 : 4;

const bookOf = (id: number): string => `b${id % BOOKS}`;
export const addressOf = (id: number) => ({
  from: key('Movement', id),
  into: key('Book', bookOf(id), 'Movement', id),
});

/** What was asked for of one movement, in order, and how much of it is acknowledged. */
interface Entry {
  readonly said: (Movement | undefined)[];
  acknowledged: number;
}

/**
 * The application: books movements, corrects and voids some, all through the router, and keeps beside it what was
 * acknowledged. Each movement is written by one of the writers alone.
 */
export class Ledger {
  readonly #store: Store;
  readonly #router: Router<Movement>;
  readonly #entries = new Map<number, Entry>();
  /** What the acknowledged bookings come to, by book and currency. */
  readonly #balances = new Map<string, Balances>();
  /** Of each book: how many writes of it were begun, and how many have ended. */
  readonly #begun = new Map<string, number>();
  readonly #ended = new Map<string, number>();
  readonly counts = { booked: 0, corrected: 0, voided: 0, audits: 0, balanced: 0 };
  readonly wrong: string[] = [];
  /** Whether new movements are booked just now; else only what there is is corrected and voided. */
  isBooking = true;

  constructor(store: Store, migration: Migration) {
    this.#store = store;
    // What is booked while the old home is being given up is moved on at once: else there would always be something left.
    this.#router = new Router({ store, rule: movements, migrate: { on: 'write', migration } });
  }

  /** As the application wrote them before there was a router. */
  async seed(count: number): Promise<void> {
    for (let from = 1; from <= count; from += 250) {
      const ids = Array.from({ length: Math.min(250, count - from + 1) }, (_, i) => from + i);
      const puts = ids.map((id) => {
        const { cents, ...movement } = this.#acknowledge(id, someMovement(id));
        const content = Content.of(fromPlain({ ...movement, amount: amountOf(cents) }));
        return { key: addressOf(id).from, content };
      });
      await this.#store.overwrite(puts);
    }
  }

  /** What there is, as far as was acknowledged. */
  get acknowledged(): ReadonlyMap<number, Movement> {
    const all = [...this.#entries].flatMap(([id, { said, acknowledged }]) => {
      const movement = said[acknowledged];
      return movement ? [[id, movement] as const] : [];
    });
    return new Map(all);
  }

  get balances(): ReadonlyMap<string, Balances> {
    return this.#balances;
  }

  /** Writers and an auditor, until the signal. */
  async live(signal: AbortSignal): Promise<void> {
    await Promise.all([...Array.from({ length: WRITERS }, (_, i) => this.#write(i, signal)), this.#auditAll(signal)]);
  }

  async #write(writer: number, signal: AbortSignal): Promise<void> {
    const mine = [...this.#entries.keys()].filter((id) => id % WRITERS === writer);
    let next = Math.max(...mine) + WRITERS;
    for (let turn = 0; !signal.aborted; turn++) {
      const id = mine[(turn * 37) % mine.length]!;
      const now = this.#entries.get(id)!.said.at(-1);
      if (turn % 5 === 3 && now) await this.#correct(id, { ...now, cents: now.cents + 1 + (turn % 99) });
      else if (turn % 25 === 9 && now) await this.#void(id);
      else if (this.isBooking) {
        mine.push(next);
        await this.#book(next, someMovement(next));
        next += WRITERS;
      }
      await sleep(PAUSE_MS);
    }
  }

  async #book(id: number, movement: Movement): Promise<void> {
    await this.#during(id, movement, async () => {
      if (!(await this.#router.insert(addressOf(id), movement)))
        this.wrong.push(`${id} was there before it was booked`);
    });
    this.counts.booked++;
  }

  async #correct(id: number, movement: Movement): Promise<void> {
    await this.#during(id, movement, async () => {
      const { cents } = movement;
      const written = await this.#router.update(addressOf(id), (before) => ({ ...before, cents }));
      if (!written) this.wrong.push(`${id} was gone when it was corrected`);
    });
    this.counts.corrected++;
  }

  async #void(id: number): Promise<void> {
    await this.#during(id, undefined, async () => {
      if (!(await this.#router.delete(addressOf(id)))) this.wrong.push(`${id} was gone when it was voided`);
    });
    this.counts.voided++;
  }

  /** From here on a reader may find it; when the call has ended he must. */
  async #during(id: number, movement: Movement | undefined, write: () => Promise<void>): Promise<void> {
    const book = bookOf(id);
    const entry = this.#entries.get(id) ?? { said: [undefined], acknowledged: 0 };
    this.#entries.set(id, entry);
    entry.said.push(movement);
    raise(this.#begun, book);
    await write();
    this.#acknowledge(id, movement);
    raise(this.#ended, book);
  }

  #acknowledge<M extends Movement | undefined>(id: number, movement: M): M {
    const entry = this.#entries.get(id) ?? { said: [movement], acknowledged: -1 };
    this.#entries.set(id, entry);
    const before = entry.said[entry.acknowledged];
    if (before) this.#enter(before, -before.cents);
    if (movement) this.#enter(movement, movement.cents);
    entry.acknowledged++;
    return movement;
  }

  #enter(movement: Movement, cents: number): void {
    const name = `${movement.book} ${movement.currency}`;
    this.#balances.set(name, booked(this.#balances.get(name) ?? {}, movement, cents));
  }

  async #auditAll(signal: AbortSignal): Promise<void> {
    for (let turn = 0; !signal.aborted; turn++) {
      await this.#audit(`b${turn % BOOKS}`);
      await sleep(PAUSE_MS);
    }
  }

  /**
   * Reads all of a book through the router. Each movement must say what was acknowledged last, or what was asked for while
   * it was read; and where nothing of the book was, its accounts must have what the acknowledged bookings come to.
   */
  async #audit(book: string): Promise<void> {
    const ids = [...this.#entries.keys()].filter((id) => bookOf(id) === book);
    const from = ids.map((id) => this.#entries.get(id)!.acknowledged);
    const [begun, ended] = [this.#begun.get(book), this.#ended.get(book)];
    const found = await this.#router.getMany(ids.map(addressOf));
    found.forEach((movement, i) => {
      const may = this.#entries.get(ids[i]!)!.said.slice(Math.max(0, from[i]!));
      if (!may.some((said) => textOf(said) === textOf(movement)))
        this.wrong.push(`${ids[i]} reads ${textOf(movement)}, and was ${may.map(textOf).join(', or ')}`);
    });
    this.counts.audits++;
    if (begun !== ended || this.#begun.get(book) !== begun) return;
    this.counts.balanced++;
    for (const currency of CURRENCIES) {
      const mine = found.filter((movement) => movement?.currency === currency);
      const sums = mine.reduce<Balances>((sum, movement) => booked(sum, movement!, movement!.cents), {});
      const name = `${book} ${currency}`;
      if (textOf(sums) !== textOf(this.#balances.get(name) ?? {}))
        this.wrong.push(`${name} has ${textOf(sums)}, not ${textOf(this.#balances.get(name))}`);
      if (Object.values(sums).reduce((a, b) => a + b, 0) !== 0) this.wrong.push(`${name} does not balance`);
    }
  }
}

const raise = (counts: Map<string, number>, name: string) => counts.set(name, (counts.get(name) ?? 0) + 1);

function someMovement(id: number): Movement {
  return {
    book: bookOf(id),
    from: ACCOUNTS[id % ACCOUNTS.length]!,
    to: ACCOUNTS[(id + 1 + (id % 3)) % ACCOUNTS.length]!,
    cents: 100 + ((id * 7_919) % 99_991),
    currency: CURRENCIES[Math.floor(id / BOOKS) % CURRENCIES.length]!,
    bookedAt: Timestamp.of(1_700_000_000 + id),
    text: `movement ${id}`,
  };
}

/** The same text for the same, whatever the order of its properties; an account that has nothing is as good as none. */
export function textOf(value: object | undefined): string {
  if (!value) return 'nothing';
  const entries = Object.entries(value).filter(([, each]) => each !== 0);
  return entries
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, each]) => `${name}=${each instanceof Timestamp ? each.seconds : each}`)
    .join(' ');
}
