import { HandoverError } from '../../src/errors.ts';
import type { Router } from '../../src/router/router.ts';
import { Crash } from '../../src/store/memory.ts';
import { newKey, oldKey } from '../engine/harness.ts';
import { type Answer, type Call, disorder, type Operation, type Value } from './linearizable.ts';

/** What the calls write: `name` is the value of the history. */
interface Named {
  user: string;
  name: string;
  visits: number;
}

const addressOf = (n: number) => ({ from: oldKey(n), into: newKey(n) });
const named = (n: number, name: string): Named => ({ user: `u${n % 7}`, name, visits: 0 });

/** What clients called and what they were told, record by record. */
export class History {
  readonly #operations = new Map<number, Operation[]>();
  #moment = 0;

  get size(): number {
    return [...this.#operations.values()].flat().length;
  }

  /** Makes the call and notes its answer. False when the client's process died in it. */
  async note(router: Router<Named>, n: number, call: Call): Promise<boolean> {
    const start = ++this.#moment;
    let answer: Answer | undefined;
    let alive = true;
    try {
      answer = await make(router, n, call);
    } catch (error) {
      alive = !(error instanceof Crash);
      const code = error instanceof HandoverError ? error.code : undefined;
      // A call that gave up did nothing; one that cannot tell may have, and may yet.
      if (code !== 'record.contended') answer = { type: 'open' };
      if (alive && code !== 'record.contended' && code !== 'store.unknown') throw error;
    }
    if (answer) this.#of(n).push({ call, answer, start, end: ++this.#moment });
    return alive;
  }

  #of(n: number): Operation[] {
    const operations = this.#operations.get(n) ?? [];
    this.#operations.set(n, operations);
    return operations;
  }

  /** Throws for the first record whose calls no order explains. */
  check(initial: (n: number) => Value): void {
    for (const [n, operations] of this.#operations) {
      const wrong = disorder(operations, initial(n));
      if (wrong) throw new Error(`record ${n}: ${wrong}`);
    }
  }

  /** How often each kind of call got each kind of answer. */
  get summary(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { call, answer } of [...this.#operations.values()].flat()) {
      const name = `${call.type} ${answer.type}${'did' in answer ? ` ${answer.did}` : ''}`;
      counts[name] = (counts[name] ?? 0) + 1;
    }
    return counts;
  }
}

async function make(router: Router<Named>, n: number, call: Call): Promise<Answer> {
  const address = addressOf(n);
  switch (call.type) {
    case 'get':
      return { type: 'value', value: (await router.get(address))?.name };
    case 'put':
      await router.put(address, named(n, call.value));
      return { type: 'did', did: true };
    case 'insert':
      return { type: 'did', did: await router.insert(address, named(n, call.value)) };
    case 'delete':
      return { type: 'did', did: await router.delete(address) };
    case 'update': {
      let before = '';
      const written = await router.update(address, (record) => {
        before = record.name;
        return { ...record, name: call.value };
      });
      return written ? { type: 'over', before } : { type: 'did', did: false };
    }
  }
}
