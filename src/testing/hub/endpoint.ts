import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Ask, readAsk } from './ask.ts';
import type { House } from './house.ts';
import type { AskEntry, Open } from './log.ts';
import type { Subscriptions } from './subscriptions.ts';
import type { Topic } from './topic.ts';
import { bodyOf, end } from './web.ts';

interface Answer {
  readonly status: number;
  readonly why?: string;
}

/** The hub's own URL: what subscribers and publishers ask of it. */
export class Endpoint {
  readonly asked: Open<AskEntry>[] = [];
  readonly #house: House;
  readonly #topics: ReadonlyMap<string, Topic>;
  readonly #subscriptions: Subscriptions;

  constructor(house: House, topics: ReadonlyMap<string, Topic>, subscriptions: Subscriptions) {
    this.#house = house;
    this.#topics = topics;
    this.#subscriptions = subscriptions;
  }

  /** A request to the hub's URL. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request);
    if (body === undefined) return end(response, 413, 'too long');
    if (!/^application\/x-www-form-urlencoded\b/i.test(request.headers['content-type'] ?? ''))
      return end(response, 415, 'a form is wanted');
    const form = new URLSearchParams(body);
    const { status, why } = form.get('hub.mode') === 'publish' ? this.#pinged(form) : await this.#asking(form);
    end(response, status, why);
  }

  /** A publisher says that its topic has changed. */
  #pinged(form: URLSearchParams): Answer {
    const urls = [...form.getAll('hub.url'), ...form.getAll('hub.topic')];
    const topics = urls.flatMap((url) => this.#topics.get(url) ?? []);
    if (topics.length === 0 || topics.length < urls.length)
      return { status: 404, why: 'hub.url is no topic of this hub' };
    for (const topic of new Set(topics)) this.#subscriptions.distribute(topic);
    return { status: 204 };
  }

  async #asking(form: URLSearchParams): Promise<Answer> {
    const entry: Open<AskEntry> = {
      at: this.#house.clock.now(),
      mode: form.get('hub.mode') ?? '',
      topic: form.get('hub.topic') ?? '',
      callback: form.get('hub.callback') ?? '',
      status: 'under way',
    };
    this.asked.push(entry);
    const ask = readAsk(form);
    const answer = typeof ask === 'string' ? { status: 400, why: ask } : await this.#carryOut(ask);
    entry.status = answer.status;
    return answer;
  }

  async #carryOut(ask: Ask): Promise<Answer> {
    const { verification, verifiesAfterMs, wantsVerify } = this.#house.quirks();
    const { activity, patience } = this.#house;
    const topic = this.#topics.get(ask.topic);
    if (!topic) return { status: 404, why: 'hub.topic is no topic of this hub' };
    const refused = this.#refusal(topic, ask);
    if (refused) return refused;
    const isSync = wantsVerify && ask.verify[0] === 'sync';
    const isAtOnce = isSync || verification === 'synchronous';
    const proceed = this.#subscriptions.noted(
      topic,
      ask,
      verification === 'retried' && !isAtOnce ? patience.attempts : 1,
    );
    if (isAtOnce) {
      if (!(await activity.run(proceed))) return { status: 409, why: 'the callback did not confirm' };
      return { status: isSync ? 204 : 202 };
    }
    activity.start(async () => {
      if (verifiesAfterMs > 0) await activity.sleep(verifiesAfterMs);
      // The answer goes out first.
      else await new Promise<void>((resolve) => setImmediate(resolve));
      if (!activity.ended) await proceed();
    });
    return { status: 202 };
  }

  /** The answer to what is not even verified. */
  #refusal(topic: Topic, ask: Ask): Answer | undefined {
    const { wantsVerify, refusesNew, unknownUnsubscribe } = this.#house.quirks();
    if (wantsVerify && !ask.verify.some((how) => how === 'sync' || how === 'async'))
      return { status: 400, why: 'hub.verify is neither sync nor async' };
    if (this.#subscriptions.isActive(topic, ask.callback)) return undefined;
    if (ask.mode === 'subscribe') return refusesNew ? { status: 503, why: 'no new subscriptions now' } : undefined;
    if (unknownUnsubscribe === 'silent') return { status: 202 };
    if (unknownUnsubscribe === 'refused') return { status: 400, why: 'no such subscription' };
    return undefined;
  }
}
