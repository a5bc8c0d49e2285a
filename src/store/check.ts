import { HandoverError } from '../errors.ts';
import type { Content } from '../record/content.ts';
import type { Key } from '../record/key.ts';
import { atomicTogether, type Capabilities, type Guard, type Mutation } from './store.ts';

/**
 * What a call must satisfy before any of it is applied. `key.tooLong` and `entity.tooLarge` are the record's fault and
 * name it; a `RangeError` is the caller's, who has the capabilities to look at.
 */
export function checkMutations(mutations: readonly Mutation[], capabilities: Capabilities): void {
  checkCount(mutations.length, capabilities);
  for (const mutation of mutations) {
    if (mutation.op === 'delete') checkKey(mutation.key, capabilities);
    else checkEntity(mutation.key, mutation.content, mutation.slot, capabilities);
  }
}

export function checkUnits(units: readonly (readonly Mutation[])[], capabilities: Capabilities): void {
  let count = 0;
  for (const unit of units) {
    count += unit.length;
    checkMutations(unit, capabilities);
    refuseTwice(unit);
    for (let i = 1; i < unit.length; i++) {
      const a = unit[0]!.key;
      const b = unit[i]!.key;
      if (!atomicTogether(capabilities, a, b)) {
        throw new RangeError(
          `${capabilities.name} cannot commit ${a} and ${b} together: atomic ${capabilities.atomic}.`,
        );
      }
    }
  }
  checkCount(count, capabilities);
}

/** A guard that the store would ignore is worse than none. */
export function checkGuard(guard: Guard | undefined, { name, guards }: Capabilities): void {
  if (guard && !guards) throw new RangeError(`${name} takes no guards.`);
}

/** The port forbids it: what the second one does depends on the store. */
export function refuseTwice(mutations: readonly Mutation[]): void {
  // Source and target of one record, by far the most units: no set for two.
  if (mutations.length < 2) return;
  if (mutations.length === 2 && !mutations[0]!.key.equals(mutations[1]!.key)) return;
  const seen = new Set<string>();
  for (const { key } of mutations) {
    const id = key.bytes.toString('latin1');
    if (seen.has(id)) throw new RangeError(`${key} is in one commit twice.`);
    seen.add(id);
  }
}

function checkCount(count: number, { name, maxMutations }: Capabilities): void {
  if (count > maxMutations) throw new RangeError(`${count} mutations in one commit; ${name} takes ${maxMutations}.`);
}

export function checkKey(key: Key, { name, maxKeyBytes }: Capabilities): void {
  const bytes = key.bytes.length;
  if (bytes <= maxKeyBytes) return;
  const text = key.toString();
  const short = text.length > 200 ? `${text.slice(0, 200)}...` : text;
  throw new HandoverError('key.tooLong', `${short} has ${bytes} bytes; ${name} holds ${maxKeyBytes}.`, {
    key: text,
    bytes,
  });
}

export function checkEntity(key: Key, content: Content, slot: string | undefined, capabilities: Capabilities): void {
  checkKey(key, capabilities);
  const { name, maxEntityBytes } = capabilities;
  const fixed = key.bytes.length + content.bytes.length;
  // A code unit is three bytes of UTF-8 at most: the exact count matters near the limit only.
  if (slot === undefined ? fixed <= maxEntityBytes : fixed + slot.length * 3 <= maxEntityBytes) return;
  const bytes = fixed + Buffer.byteLength(slot ?? '');
  if (bytes <= maxEntityBytes) return;
  throw new HandoverError('entity.tooLarge', `${key} has ${bytes} bytes; ${name} holds ${maxEntityBytes}.`, {
    key: key.toString(),
    bytes,
  });
}
