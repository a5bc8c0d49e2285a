import { decode } from '../engine/documents.ts';
import type { Document } from '../engine/schemas.ts';
import { callbackKey, subscriptionKey } from '../engine/subscriptionDocument.ts';
import { LIMITS } from '../limits.ts';
import type { Key } from '../record/key.ts';
import type { Store, Version } from '../store/store.ts';
import type { Callback } from './callbacks.ts';

/** By these two documents alone, for it is kept as long as they stand. */
type CallbackOf = (path: string, callback: Document<'callback'>, subscription: Document<'subscription'>) => Callback;

interface Remembered {
  /** Of the callback, and of its subscription. */
  readonly keys: readonly [Key, Key];
  readonly versions: readonly [Version, Version];
  readonly callback: Callback;
}

/**
 * Paths are looked up for every request, and what they stand for hardly ever changes. What was decoded is kept, and good
 * as long as the store gives both versions that it was decoded from: those are always asked for.
 */
export class Paths {
  readonly #store: Store;
  readonly #callbackOf: CallbackOf;
  readonly #remembered = new Map<string, Remembered>();

  constructor(store: Store, callbackOf: CallbackOf) {
    this.#store = store;
    this.#callbackOf = callbackOf;
  }

  async find(path: string): Promise<Callback | undefined> {
    const known = this.#remembered.get(path);
    if (known) {
      const found = await this.#store.read(known.keys);
      if (known.versions.every((version, i) => found[i]?.version === version)) return known.callback;
      this.#remembered.delete(path);
    }
    return this.#look(path);
  }

  async #look(path: string): Promise<Callback | undefined> {
    const at = callbackKey(path);
    const [entity] = await this.#store.read([at]);
    if (!entity) return undefined;
    const { value } = decode('callback', entity);
    const key = subscriptionKey(value.subscription);
    const [found] = await this.#store.read([key]);
    if (!found) return undefined;
    const callback = this.#callbackOf(path, value, decode('subscription', found).value);
    if (this.#remembered.size >= LIMITS.callbacksRemembered) this.#forgetOne();
    this.#remembered.set(path, { keys: [at, key], versions: [entity.version, found.version], callback });
    return callback;
  }

  /** The one that was decoded longest ago. */
  #forgetOne(): void {
    for (const path of this.#remembered.keys()) {
      this.#remembered.delete(path);
      return;
    }
  }
}
