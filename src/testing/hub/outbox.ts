import type { Activity } from './activity.ts';

/** How long a server tries. */
export interface Patience {
  /** Attempts of one delivery or verification, the first one included. */
  readonly attempts: number;
  /** Milliseconds before the second attempt, twice as many before each further one. */
  readonly retryMs: number;
  /** Milliseconds that one answer may take. */
  readonly answerMs: number;
}

export const pauseBefore = (attempt: number, { retryMs }: Patience): number => retryMs * 2 ** (attempt - 2);

export interface Sender<Parcel> {
  readonly activity: Activity;
  readonly patience: Patience;
  readonly habits: () => { readonly retries: 'each' | 'never' | 'latest'; readonly overtakes: boolean };
  /** One attempt; false if there is to be another one. */
  readonly send: (parcel: Parcel, attempt: number) => Promise<boolean>;
  /** Whether anything is still to be sent. */
  readonly isOpen: () => boolean;
}

/** What is to be delivered to one URL: in order, and one at a time. */
export class Outbox<Parcel> {
  readonly #sender: Sender<Parcel>;
  readonly #waiting: Parcel[] = [];
  #newest: Parcel | undefined;
  #working = false;

  constructor(sender: Sender<Parcel>) {
    this.#sender = sender;
  }

  post(parcel: Parcel): void {
    this.#newest = parcel;
    this.#waiting.push(parcel);
    if (this.#working) return;
    this.#working = true;
    this.#sender.activity.start(async () => {
      await this.#work();
      this.#working = false;
    });
  }

  async #work(): Promise<void> {
    const { send, habits, activity } = this.#sender;
    for (let parcel = this.#waiting.shift(); parcel !== undefined; parcel = this.#waiting.shift()) {
      const held = parcel;
      if (!this.#goesOn() || (await send(held, 1))) continue;
      if (habits().overtakes) activity.start(() => this.#again(held));
      else await this.#again(held);
    }
  }

  async #again(failed: Parcel): Promise<void> {
    const { send, habits, activity, patience } = this.#sender;
    let parcel = failed;
    for (let attempt = 2; attempt <= patience.attempts; attempt++) {
      if (!this.#goesOn() || habits().retries === 'never') return;
      await activity.sleep(pauseBefore(attempt, patience));
      if (!this.#goesOn()) return;
      if (habits().retries === 'latest') {
        parcel = this.#newest ?? parcel;
        this.#waiting.length = 0;
      }
      if (await send(parcel, attempt)) return;
    }
  }

  #goesOn(): boolean {
    return !this.#sender.activity.ended && this.#sender.isOpen();
  }
}
