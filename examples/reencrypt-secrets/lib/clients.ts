import { setTimeout as sleep } from 'node:timers/promises';
import type { Fleet, Version } from './fleet.ts';

/** After each round of a hand. An emulator takes long over each request, and has a migration to serve as well. */
const PAUSE_MS = process.env['DATASTORE_EMULATOR_HOST'] ? 100 : 2;

/**
 * The tenants' side: programs that authenticate, and choose a new secret now and then. Each knows its own secret, so that
 * it notices when the service does not.
 */
export class Clients {
  readonly #fleet: Fleet;
  /** What each tenant has chosen last, and was told is so. */
  readonly secrets: Map<number, string>;
  /** Requests that were answered as they must be, by the version that did. */
  readonly answered: Record<Version, number> = { v1: 0, v2: 0, v3: 0 };
  readonly wrong: string[] = [];
  changed = 0;
  #requests = 0;

  constructor(fleet: Fleet, secrets: Map<number, string>) {
    this.#fleet = fleet;
    this.secrets = secrets;
  }

  /** Several at once, each with tenants of its own, until the signal aborts. */
  async live(signal: AbortSignal, hands: number): Promise<void> {
    await Promise.all(Array.from({ length: hands }, (_, hand) => this.#hand(hand, hands, signal)));
  }

  async #hand(hand: number, hands: number, signal: AbortSignal): Promise<void> {
    const own = [...this.secrets.keys()].filter((id) => id % hands === hand);
    for (let n = 0; !signal.aborted; n++) {
      const id = own[(n * 7919) % own.length]!;
      if (n % 3 === 0) await this.#change(id, `s-${id}-${n}`);
      // Whichever version took the change, every other one must know it at once.
      await this.#authenticate(id);
      await this.#authenticate(id);
      await sleep(PAUSE_MS);
    }
  }

  async #change(id: number, secret: string): Promise<void> {
    if ((await this.#ask('PUT', `/tenants/${id}/secret`, secret, 204)) === 204) {
      this.secrets.set(id, secret);
      this.changed++;
    }
  }

  async #authenticate(id: number): Promise<void> {
    await this.#ask('POST', `/tenants/${id}/authenticate`, this.secrets.get(id)!, 204);
  }

  async #ask(method: 'POST' | 'PUT', path: string, secret: string, wanted: number): Promise<number> {
    const { pool, version } = this.#fleet.next(this.#requests++);
    const { statusCode, body } = await pool.request({
      path,
      method,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ secret }),
    });
    await body.dump();
    if (statusCode === wanted) this.answered[version]++;
    else this.wrong.push(`${version} answered ${method} ${path} with ${statusCode}`);
    return statusCode;
  }
}
