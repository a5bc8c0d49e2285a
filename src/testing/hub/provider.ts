import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Clock, systemClock } from '../../clock.ts';
import { Activity } from './activity.ts';
import type { Patience } from './outbox.ts';
import { NO_PROVIDER_QUIRKS, type ProviderQuirks } from './providerQuirks.ts';
import { PATIENCE } from './quirks.ts';
import { bodyOf, type Listening, listen } from './web.ts';
import type { Webhook } from './webhook.ts';
import { type EventDelivery, Webhooks } from './webhooks.ts';

export interface TestProviderOptions {
  readonly clock?: Clock;
  readonly quirks?: Partial<ProviderQuirks>;
  readonly patience?: Partial<Patience>;
}

/** A request to a provider. */
export interface CallEntry {
  readonly at: number;
  readonly method: string;
  readonly path: string;
  readonly idempotencyKey: string | undefined;
  /** `lost`: carried out, and not answered. */
  readonly status: number | 'lost';
}

export interface ProviderLog {
  readonly calls: readonly CallEntry[];
  readonly deliveries: readonly EventDelivery[];
}

interface Answer {
  readonly status: number;
  readonly body?: object;
}

const REFUSED: Answer = { status: 403, body: { error: 'not now' } };
const NOT_HERE: Answer = { status: 404, body: { error: 'not here' } };

/**
 * A provider of webhooks on loopback, with the API that most have:
 *
 * - `POST /apps/APP/webhooks` with `{ url, secret? }`: 201 and `{ id, url, secret }`
 * - `GET /apps/APP/webhooks`: `{ data: [{ id, url }] }`
 * - `DELETE /webhooks/ID`: 204
 * - of the shape `swap` only `PUT /apps/APP/webhook` with `{ url, secret? }`, and `GET` of the same
 *
 * A change that comes again with its `Idempotency-Key` is answered as before, and not carried out again.
 */
export class TestProvider {
  readonly #clock: Clock;
  readonly #activity: Activity;
  readonly #webhooks: Webhooks;
  readonly #calls: CallEntry[] = [];
  readonly #answers = new Map<string, { readonly of: string; readonly answer: Answer }>();
  #quirks: ProviderQuirks;
  #server!: Listening;

  private constructor({ clock = systemClock, quirks, patience }: TestProviderOptions) {
    this.#clock = clock;
    this.#quirks = { ...NO_PROVIDER_QUIRKS, ...quirks };
    this.#activity = new Activity(clock);
    this.#webhooks = new Webhooks({
      clock,
      activity: this.#activity,
      patience: { ...PATIENCE, ...patience },
      quirks: () => this.#quirks,
    });
  }

  static async start(options: TestProviderOptions = {}): Promise<TestProvider> {
    const provider = new TestProvider(options);
    provider.#server = await listen((request, response) => provider.#handle(request, response));
    return provider;
  }

  /** Without a slash at the end. */
  get url(): string {
    return this.#server.origin;
  }

  get log(): ProviderLog {
    return { calls: this.#calls, deliveries: this.#webhooks.deliveries };
  }

  /** What an app really has now, however the list lags. */
  webhooks(app: string): { readonly id: string; readonly url: string }[] {
    return this.#webhooks.of(app).map((each) => shown(each, this.#clock.now()));
  }

  /** From now on; the others stay as they are. */
  set(quirks: Partial<ProviderQuirks>): void {
    this.#quirks = { ...this.#quirks, ...quirks };
  }

  /** One more event of an app. Its number: 1 for the first, and none is left out. */
  publish(app: string): number {
    return this.#webhooks.publish(app);
  }

  /** Resolves when nothing goes on but waiting for the clock. */
  idle(): Promise<void> {
    return this.#activity.idle();
  }

  async close(): Promise<void> {
    await this.#activity.end();
    await this.#server.close();
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '/' } = request;
    const body = (await bodyOf(request)) ?? '';
    const key = request.headers['idempotency-key']?.toString();
    const act = () => this.#once(key, `${method} ${url} ${body}`, () => this.#answer(method, url, body));
    const { losesAnswers, lostComeAfterMs, refuses } = this.#quirks;
    const isChange = method !== 'GET';
    const isLate = isChange && losesAnswers > 0 && lostComeAfterMs > 0;
    if (isLate) {
      this.#activity.start(async () => {
        await this.#activity.sleep(lostComeAfterMs);
        act();
      });
    }
    const answer = isLate ? { status: 200 } : isChange && refuses ? REFUSED : act();
    const isLost = isChange && answer.status < 300 && losesAnswers > 0;
    const status = isLost ? ('lost' as const) : answer.status;
    this.#calls.push({ at: this.#clock.now(), method, path: url, idempotencyKey: key, status });
    if (isLost) {
      this.set({ losesAnswers: this.#quirks.losesAnswers - 1 });
      request.socket.destroy();
      return;
    }
    response.writeHead(answer.status, { 'content-type': 'application/json' });
    response.end(answer.body && JSON.stringify(answer.body));
  }

  #once(key: string | undefined, of: string, act: () => Answer): Answer {
    if (key === undefined || this.#quirks.ignoresKeys) return act();
    const known = this.#answers.get(key);
    if (known && known.of !== of)
      return { status: 422, body: { error: 'this Idempotency-Key was used for another request' } };
    const answer = known?.answer ?? act();
    this.#answers.set(key, { of, answer });
    return answer;
  }

  #answer(method: string, url: string, body: string): Answer {
    const [, first = '', name = '', last = ''] = url.split('/').map(decodeURIComponent);
    const isSwap = this.#quirks.shape === 'swap';
    if (first === 'apps' && last === (isSwap ? 'webhook' : 'webhooks')) {
      if (method === 'GET') return isSwap ? this.#current(name) : this.#list(name);
      if (method !== (isSwap ? 'PUT' : 'POST')) return { status: 405 };
      const wanted = wantedOf(body);
      if (!wanted) return { status: 400, body: { error: 'a JSON object with the field url is wanted' } };
      return isSwap ? this.#swap(name, wanted) : this.#create(name, wanted);
    }
    return !isSwap && method === 'DELETE' && first === 'webhooks' ? this.#delete(name) : NOT_HERE;
  }

  #create(app: string, { url, secret }: Wanted): Answer {
    const webhook = this.#webhooks.create(app, url, secret);
    if (this.#quirks.createsTwice) this.#webhooks.create(app, url, webhook.secret);
    return { status: 201, body: { id: webhook.id, url, secret: webhook.secret } };
  }

  #delete(id: string): Answer {
    const webhook = this.#webhooks.find(id);
    webhook?.aim(undefined, this.#clock.now());
    return webhook ? { status: 204 } : NOT_HERE;
  }

  #list(app: string): Answer {
    const at = this.#clock.now() - this.#quirks.listLagsMs;
    return { status: 200, body: { data: this.#webhooks.of(app, at).map((each) => shown(each, at)) } };
  }

  /** The one there is keeps its name and its secret. */
  #swap(app: string, { url, secret }: Wanted): Answer {
    const [there] = this.#webhooks.of(app);
    const { swapsAfterMs } = this.#quirks;
    there?.aim(url, this.#clock.now() + swapsAfterMs);
    const webhook = there ?? this.#webhooks.create(app, url, secret);
    return { status: there && swapsAfterMs > 0 ? 202 : 200, body: { id: webhook.id, url, secret: webhook.secret } };
  }

  #current(app: string): Answer {
    const at = this.#clock.now() - this.#quirks.listLagsMs;
    const [there] = this.#webhooks.of(app, at);
    return there ? { status: 200, body: shown(there, at) } : NOT_HERE;
  }
}

interface Wanted {
  readonly url: string;
  readonly secret: string | undefined;
}

function wantedOf(body: string): Wanted | undefined {
  try {
    const { url, secret } = JSON.parse(body) as Record<string, unknown>;
    if (typeof url !== 'string' || !URL.canParse(url)) return undefined;
    return { url, secret: typeof secret === 'string' ? secret : undefined };
  } catch {
    return undefined;
  }
}

const shown = (webhook: Webhook, at: number) => ({ id: webhook.id, url: webhook.urlAt(at) ?? '' });
