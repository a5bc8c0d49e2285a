import { HandoverError } from '../errors.ts';
import type { PlainRecord } from '../record/plain.ts';
import type { Router } from '../router/router.ts';
import { type Answer, type Call, disorder, type Operation } from './linearizable.ts';
import type { Subject } from './subject.ts';

/** What a client asks for. What it writes is a record in the new shape. */
export type Wish =
  | { readonly type: 'get' | 'delete' }
  | { readonly type: 'put' | 'insert'; readonly record: PlainRecord }
  | { readonly type: 'update'; readonly change: (record: PlainRecord) => PlainRecord };

/** `change` makes what is written, of what is there or of the record as it would be. */
export function wishOf(type: Wish['type'], subject: Subject, change: (record: PlainRecord) => PlainRecord): Wish {
  if (type === 'get' || type === 'delete') return { type };
  return type === 'update' ? { type, change } : { type, record: change(subject.plain) };
}

/** What a client calls. */
export type Register = Pick<Router, 'get' | 'put' | 'insert' | 'update' | 'delete'>;

/** What clients called and what they were told, record by record: each record must be a register. */
export class History {
  readonly #operations = new Map<Subject, Operation[]>();
  readonly #tell: (line: string) => void;
  #moment = 0;

  /** `tell` is told of each call and of each answer. */
  constructor(tell: (line: string) => void) {
    this.#tell = tell;
  }

  /** Makes the call and notes its answer. One that never answers is noted as open. */
  async note(client: string, router: Register, subject: Subject, wish: Wish): Promise<void> {
    const name = subject.keys.S.toString();
    const operation: { call: Call; answer: Answer; start: number; end: number } = {
      call: wish.type === 'get' || wish.type === 'delete' ? { type: wish.type } : { type: wish.type, value: '' },
      answer: { type: 'open' },
      start: ++this.#moment,
      end: Number.POSITIVE_INFINITY,
    };
    const operations = this.#operations.get(subject) ?? [];
    this.#operations.set(subject, operations);
    operations.push(operation);
    if ('record' in wish) operation.call = { type: wish.type, value: subject.textOf(wish.record) };
    this.#tell(`${client} calls ${wish.type} ${name}`);
    try {
      operation.answer = await make(router, subject, wish, (call) => {
        operation.call = call;
      });
      operation.end = ++this.#moment;
      this.#tell(`${client} is told of ${wish.type} ${name}: ${said(operation.answer)}`);
    } catch (error) {
      if (!(error instanceof HandoverError)) throw error;
      this.#tell(`${client} is told of ${wish.type} ${name}: ${error.code}`);
      // A call that gave up did nothing; one that cannot tell may have, and may yet.
      if (error.code === 'record.contended') operations.splice(operations.indexOf(operation), 1);
      else if (error.code !== 'store.unknown') throw error;
    }
  }

  /** Why no order explains the answers about a record; undefined when one does for each. */
  disorder(initialOf: (subject: Subject) => string | undefined): string | undefined {
    for (const [subject, operations] of this.#operations) {
      const wrong = disorder(operations, initialOf(subject));
      if (wrong) return `${subject.keys.S}: ${wrong}`;
    }
    return undefined;
  }

  /** How often each kind of call got each kind of answer. */
  get answers(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { call, answer } of [...this.#operations.values()].flat()) {
      const name = `${call.type} ${answer.type}${'did' in answer ? ` ${answer.did}` : ''}`;
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    return counts;
  }
}

async function make(router: Register, subject: Subject, wish: Wish, as: (call: Call) => void): Promise<Answer> {
  const { address } = subject;
  switch (wish.type) {
    case 'get': {
      const record = await router.get(address);
      return { type: 'value', value: record && subject.textOf(record) };
    }
    case 'delete':
      return { type: 'did', did: await router.delete(address) };
    case 'put':
      await router.put(address, wish.record);
      return { type: 'did', did: true };
    case 'insert':
      return { type: 'did', did: await router.insert(address, wish.record) };
    case 'update': {
      let before = '';
      const written = await router.update(address, (record) => {
        before = subject.textOf(record);
        const changed = wish.change(record);
        as({ type: 'update', value: subject.textOf(changed) });
        return changed;
      });
      return written ? { type: 'over', before } : { type: 'did', did: false };
    }
  }
}

const said = (answer: Answer): string => {
  switch (answer.type) {
    case 'value':
      return answer.value ?? 'no record';
    case 'did':
      return answer.did ? 'done' : 'not done';
    case 'over':
      return `done over ${answer.before}`;
    case 'open':
      return 'nothing';
  }
};
