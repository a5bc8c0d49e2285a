/**
 * Whether a history of calls on one record could have happened one after the other, each at a moment between its call
 * and its answer: the search of Wing and Gong, remembering which (done, value) pairs led nowhere, as Lowe does.
 * A value is a short text; undefined is "no record".
 */
export type Value = string | undefined;

export type Call =
  | { readonly type: 'get' }
  | { readonly type: 'put'; readonly value: string }
  | { readonly type: 'insert'; readonly value: string }
  | { readonly type: 'delete' }
  /** Replaces what is there by `value`. */
  | { readonly type: 'update'; readonly value: string };

export type Answer =
  | { readonly type: 'value'; readonly value: Value }
  | { readonly type: 'did'; readonly did: boolean }
  /** An update took effect, over this value. */
  | { readonly type: 'over'; readonly before: string }
  /** It never answered, or said that it cannot tell: it may take effect at any later moment, or never. */
  | { readonly type: 'open' };

export interface Operation {
  readonly call: Call;
  readonly answer: Answer;
  /** Moments, in one order for all operations; `end` of an open one is ignored. */
  readonly start: number;
  readonly end: number;
}

/** The value after the operation, where it may take effect on this value with this answer; undefined where it may not. */
function step({ call, answer }: Operation, value: Value): { readonly value: Value } | undefined {
  const open = answer.type === 'open';
  const did = answer.type === 'did' && answer.did;
  const there = value !== undefined;
  switch (call.type) {
    case 'get':
      return answer.type === 'value' && answer.value === value ? { value } : undefined;
    case 'put':
      return { value: call.value };
    case 'insert':
      if (!open && did === there) return undefined;
      return there ? { value } : { value: call.value };
    case 'delete':
      if (!open && did !== there) return undefined;
      return { value: undefined };
    case 'update':
      if (open) return { value: there ? call.value : value };
      if (answer.type === 'over') return answer.before === value ? { value: call.value } : undefined;
      return there ? undefined : { value };
  }
}

/** Undefined when there is such an order; else the longest beginning of one that was found, as text. */
export function disorder(history: readonly Operation[], initial: Value): string | undefined {
  const operations = history.filter(({ call, answer }) => call.type !== 'get' || answer.type !== 'open');
  const isOpen = operations.map(({ answer }) => answer.type === 'open');
  const needed = isOpen.filter((open) => !open).length;
  const done = operations.map(() => false);
  const dead = new Set<string>();
  const order: string[] = [];
  let longest: readonly string[] = [];

  const search = (value: Value, left: number): boolean => {
    if (left === 0) return true;
    const state = `${done.map(Number).join('')} ${value}`;
    if (dead.has(state)) return false;
    // What has not ended before another one began may come first; what is open has not ended.
    const bound = Math.min(...operations.map(({ end }, i) => (done[i] || isOpen[i] ? Number.POSITIVE_INFINITY : end)));
    for (const [i, operation] of operations.entries()) {
      if (done[i] || operation.start > bound) continue;
      const next = step(operation, value);
      if (!next) continue;
      done[i] = true;
      order.push(show(operation));
      if (order.length > longest.length) longest = [...order];
      if (search(next.value, left - (isOpen[i] ? 0 : 1))) return true;
      order.pop();
      done[i] = false;
    }
    dead.add(state);
    return false;
  };
  if (search(initial, needed)) return undefined;
  const rest = operations.map(show).filter((text) => !longest.includes(text));
  return `no order of these calls explains their answers; began with ${initial}\n  in order: ${longest.join('\n            ')}\n  left:     ${rest.join('\n            ')}`;
}

function show({ call, answer, start, end }: Operation): string {
  const what = 'value' in call ? `${call.type} ${call.value}` : call.type;
  const { type, ...said } = answer;
  return `[${start}, ${type === 'open' ? '…' : end}] ${what}: ${type} ${Object.values(said).join('')}`;
}
