import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { Answers } from './answers.ts';

/** What befalls a connection, and how many milliseconds pass on it from one time to the next, on average. */
export interface Weather {
  /** Of a piece of traffic either way half gets through, and the connection breaks. */
  readonly cut: number;
  /** A piece is held up, with all that follows it. */
  readonly delay: number;
  /**
   * An answer, with all answers that follow on its connection, is kept back while requests go on to be carried out; then
   * the connection breaks: at once, or when callers have given up.
   */
  readonly swallow: number;
}

const NEVER = Number.POSITIVE_INFINITY;
export const CALM: Weather = { cut: NEVER, delay: NEVER, swallow: NEVER };

interface NetworkOptions {
  readonly random: () => number;
  /** A delay lasts up to this, */
  readonly delayMs: number;
  /** and a connection without answers up to this. */
  readonly stallMs: number;
}

/** Stands between clients and a server on this machine, and does to their connections what networks do. */
export class Network {
  readonly #server: Server;
  readonly #options: NetworkOptions;
  readonly #ends = new Set<() => void>();
  weather: Weather = CALM;
  readonly counts = { connections: 0, cuts: 0, delays: 0, swallows: 0, answers: 0, swallowedAnswers: 0 };

  private constructor(to: string, options: NetworkOptions) {
    const [host, port] = to.split(':');
    this.#options = options;
    this.#server = createServer((inward) => this.#serve(inward, connect(Number(port), host)));
  }

  static async to(host: string, options: NetworkOptions): Promise<Network> {
    const network = new Network(host, options);
    network.#server.listen(0, '127.0.0.1');
    await once(network.#server, 'listening');
    return network;
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as { port: number }).port}`;
  }

  /** Breaks all connections: nothing that was under way gets through any more. New ones are served. */
  break(): void {
    for (const end of this.#ends) end();
  }

  close(): void {
    this.#server.close();
    this.break();
  }

  #serve(inward: Socket, outward: Socket): void {
    const { counts } = this;
    const { random, stallMs } = this.#options;
    counts.connections++;
    const answers = new Answers();
    const comes = this.#forecast();
    let deaf = false;
    const end = () => {
      this.#ends.delete(end);
      inward.destroy();
      outward.destroy();
    };
    this.#ends.add(end);
    for (const socket of [inward, outward]) socket.setNoDelay(true).on('error', end).on('close', end);
    inward.on('data', (bytes) => this.#pass(bytes, inward, outward, comes, end));
    outward.on('data', (bytes) => {
      const ended = answers.endedBy(bytes);
      counts.answers += ended;
      // Only what holds the end of an answer: anything else on the wire is of no consequence.
      if (!deaf && ended > 0 && comes('swallow')) {
        deaf = true;
        counts.swallows++;
        if (random() < 0.5) end();
        else setTimeout(end, random() * stallMs).unref();
      }
      if (deaf) counts.swallowedAnswers += ended;
      else this.#pass(bytes, outward, inward, comes, end);
    });
  }

  #pass(bytes: Buffer, from: Socket, to: Socket, comes: Forecast, end: () => void): void {
    const { random, delayMs } = this.#options;
    if (comes('cut')) {
      this.counts.cuts++;
      from.pause();
      to.write(bytes.subarray(0, bytes.length >> 1), end);
    } else if (comes('delay')) {
      this.counts.delays++;
      from.pause();
      setTimeout(() => {
        if (!to.destroyed) to.write(bytes);
        from.resume();
      }, random() * delayMs).unref();
    } else if (!to.write(bytes)) {
      from.pause();
      to.once('drain', () => from.resume());
    }
  }

  /** For one connection: the longer nobody has asked, the likelier it comes. So it does not matter how busy it is. */
  #forecast(): Forecast {
    const now = performance.now();
    const asked = { cut: now, delay: now, swallow: now };
    return (what) => {
      const sinceMs = performance.now() - asked[what];
      asked[what] += sinceMs;
      return this.#options.random() * this.weather[what] <= sinceMs;
    };
  }
}

type Forecast = (what: keyof Weather) => boolean;
