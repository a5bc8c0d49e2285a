import type { Clock } from '../../clock.ts';
import { type Key, key } from '../../record/key.ts';
import type { Connection } from './client.ts';
import { failureOf } from './failures.ts';
import { idOf, keyToWire } from './keys.ts';
import { lookup } from './lookups.ts';
import type { WireEntity, WireKey, WireMutation, WireMutationResult, WireValue } from './wire.ts';

/** As the probe of the port, which finds and removes what one of either that died has left. */
export const KIND = '_HandoverProbe';

/** Throw-away entities of one probe, and what was done to them. */
export class Bench {
  readonly connection: Connection;
  readonly clock: Clock;
  readonly #name: string;
  readonly #made = new Map<string, WireKey>();

  constructor(connection: Connection, clock: Clock) {
    this.connection = connection;
    this.clock = clock;
    this.#name = clock.id();
  }

  /** Each in an entity group of its own. */
  key(name: string | number): Key {
    return key(KIND, `${this.#name}.${name}`);
  }

  entity(name: string | number, n: number, more: Record<string, WireValue> = {}): WireEntity {
    const at = keyToWire(this.connection, this.key(name));
    this.#made.set(idOf(at), at);
    const whole = (value: number): WireValue => ({ integerValue: `${value}` });
    return { key: at, properties: { at: whole(this.clock.now()), n: whole(n), ...more } };
  }

  /** All of one entity group. */
  sibling(name: string): WireEntity {
    const at = keyToWire(this.connection, key(KIND, `${this.#name}.group`, KIND, name));
    this.#made.set(idOf(at), at);
    return { key: at, properties: {} };
  }

  /** The results, or how it failed. An answer that was lost proves nothing. */
  async commit(
    mutations: WireMutation[],
    whole = false,
  ): Promise<readonly WireMutationResult[] | 'conflict' | 'refused'> {
    try {
      return await this.connection.commit(
        whole
          ? { mode: 'TRANSACTIONAL', singleUseTransaction: { readWrite: {} }, mutations }
          : { mode: 'NON_TRANSACTIONAL', mutations },
      );
    } catch (thrown) {
      const failure = failureOf(thrown);
      if (failure === 'conflict' || failure === 'contention') return 'conflict';
      if (failure === 'refused') return 'refused';
      throw thrown;
    }
  }

  /** The `n` of each, and its version. */
  async read(...names: string[]): Promise<{ n: number; version: string }[]> {
    const keys = names.map((name) => keyToWire(this.connection, this.key(name)));
    const found = await lookup(this.connection, keys);
    return keys.map((each) => {
      const result = found.get(idOf(each));
      return { n: Number(result?.entity.properties['n']?.integerValue ?? 0), version: result?.version ?? '0' };
    });
  }

  /** Best effort: what is left, a later probe removes. */
  async clear(): Promise<void> {
    const mutations = [...this.#made.values()].map((each): WireMutation => ({ delete: each }));
    if (mutations.length === 0) return;
    await this.connection.commit({ mode: 'NON_TRANSACTIONAL', mutations }).catch(() => undefined);
  }
}

export type Answer = Awaited<ReturnType<Bench['commit']>>;
export const isAnswer = (answer: Answer): answer is readonly WireMutationResult[] => typeof answer !== 'string';
export const allApplied = (answer: Answer): answer is readonly WireMutationResult[] =>
  isAnswer(answer) && answer.every(({ conflictDetected }) => !conflictDetected);
