import { HandoverError } from '../errors.ts';
import type { Key } from '../record/key.ts';
import type { Capabilities, Entity, Mutation, Outcome, Store, UnitOutcome, Version } from '../store/store.ts';

/**
 * What a dry run moves records in: a page of entities in memory, under the rules of the store that they were read from.
 * It holds no store at all, so nothing that the engine does here can reach one. What it was not given does not exist.
 */
export function scratchStore(capabilities: Capabilities, entities: readonly Entity[]): Store {
  const held = new Map(entities.map((entity) => [nameOf(entity.key), entity]));
  let writes = 0;
  const read = async (keys: readonly Key[]) => keys.map((key) => held.get(nameOf(key)));
  const isExpected = (mutation: Mutation) =>
    held.get(nameOf(mutation.key))?.version === (mutation.op === 'insert' ? undefined : mutation.version);
  const apply = (mutation: Mutation): Version => {
    const { key } = mutation;
    const version = `scratch ${++writes}`;
    if (mutation.op === 'delete') held.delete(nameOf(key));
    else held.set(nameOf(key), { key, content: mutation.content, slot: mutation.slot, version });
    return version;
  };
  return {
    capabilities,
    read,
    readTogether: read,
    commit: async (mutations) =>
      mutations.map((mutation): Outcome => {
        return isExpected(mutation) ? { status: 'applied', version: apply(mutation) } : { status: 'conflict' };
      }),
    commitTogether: async (units) =>
      units.map((unit): UnitOutcome => {
        return unit.every(isExpected) ? { status: 'applied', versions: unit.map(apply) } : { status: 'conflict' };
      }),
    scan: refuse,
    split: refuse,
    find: refuse,
    atOneMoment: refuse,
    overwrite: refuse,
    close: async () => {},
  };
}

const nameOf = (key: Key): string => key.bytes.toString('latin1');

/** A page is moved by keys alone. */
const refuse = async (): Promise<never> => {
  throw new HandoverError('store.readOnly', 'A dry run has single pages only.');
};
