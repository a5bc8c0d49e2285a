import type { HubQuirks } from '../../src/testing/hub/quirks.ts';
import { numbersIn } from '../../src/testing/hub/topic.ts';
import type { Answer, Receiver, Request } from '../../src/webhooks/receive.ts';

export interface Refused {
  readonly path: string;
  readonly status: number;
  readonly number: number;
}

/** Of six numbers in a row one fails on the old URL and another one on the new: so the other URL gets each. */
const FAILS: Readonly<Record<string, number>> = { '/old': 2, '/new': 5 };
const EVERY = 6;
/** Of a hub that drops who fails thrice, none is dropped by this. */
const MOST_IN_A_ROW = 2;

/** Whether this number is taken at once, whichever URL it comes to. */
export const isTaken = (number: number): boolean => !Object.values(FAILS).includes(number % EVERY);

/**
 * What stands before a receiver and fails on a fixed schedule: a delivery is answered 503; 410, where the hub takes that for
 * a failure; and a redirect to the same URL, where it follows those. Notes what was answered 2xx in spite of that.
 */
export class Troubles {
  readonly refused: Refused[] = [];
  /** Of deliveries that were answered 2xx. */
  readonly accepted = new Set<number>();
  /** Verifications that were refused of what the hub has. */
  renewalsRefused = 0;
  readonly #quirks: Partial<HubQuirks>;
  readonly #isActive: (path: string) => boolean;
  readonly #inARow = new Map<string, number>();
  readonly #outages = new Map<string, number>();
  #renewals = 0;

  constructor(quirks: Partial<HubQuirks>, isActive: (path: string) => boolean) {
    this.#quirks = quirks;
    this.#isActive = isActive;
  }

  /** The next deliveries to this path fail, whatever they carry. */
  outage(path: string, deliveries: number): void {
    this.#outages.set(path, deliveries);
  }

  before({ receive, ...rest }: Receiver): Receiver {
    return { ...rest, receive: (request) => this.#receive(request, receive) };
  }

  async #receive(request: Request, receive: Receiver['receive']): Promise<Answer> {
    if (request.method === 'GET' && this.#refusesRenewal(request)) return { status: 404, headers: {}, body: '' };
    if (request.method !== 'POST') return receive(request);
    const numbers = numbersIn(Buffer.from(request.body).toString());
    const refused = this.#refusal(request, numbers[0] ?? 0);
    if (refused) return refused;
    const answer = await receive(request);
    if (answer.status >= 200 && answer.status < 300) for (const each of numbers) this.accepted.add(each);
    return answer;
  }

  #refusal({ path, query }: Request, number: number): Answer | undefined {
    if (query.has('moved')) return undefined;
    const outage = this.#outages.get(path) ?? 0;
    const inARow = this.#inARow.get(path) ?? 0;
    const isDue = outage > 0 || (number % EVERY === FAILS[path] && inARow < MOST_IN_A_ROW);
    this.#inARow.set(path, isDue ? inARow + 1 : 0);
    if (!isDue) return undefined;
    this.#outages.set(path, outage - 1);
    const status = outage > 0 ? 503 : this.#status();
    this.refused.push({ path, status, number });
    return { status, headers: status === 307 ? { location: `${path}?moved` } : {}, body: '' };
  }

  #status(): number {
    if ((this.#quirks.redirects ?? 'failure') !== 'failure') return 307;
    return this.#quirks.ignoresGone ? 410 : 503;
  }

  /** Every other one, where the hub signs with the secret of a renewal that was refused. */
  #refusesRenewal({ path, query }: Request): boolean {
    if (!this.#quirks.signsWithRefusedSecret || query.get('hub.mode') !== 'subscribe') return false;
    if (!this.#isActive(path) || this.#renewals++ % 2 === 1) return false;
    this.renewalsRefused++;
    return true;
  }
}
