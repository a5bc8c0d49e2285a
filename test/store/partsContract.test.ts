import { rmSync } from 'node:fs';
import { parts } from '../../src/define/parts.ts';
import { Content, EMPTY } from '../../src/record/content.ts';
import { Key } from '../../src/record/key.ts';
import { lmdbStore } from '../../src/store/lmdb.ts';
import { memoryStore } from '../../src/store/memory.ts';
import { partsView } from '../../src/store/parts/view.ts';
import type { Entity, Mutation, Store } from '../../src/store/store.ts';
import { concurrencyContract } from './contract/concurrency.ts';
import { guardContract } from './contract/guards.ts';
import { mutationContract } from './contract/mutations.ts';
import { unitContract } from './contract/units.ts';
import type { Open } from './contract.ts';
import { tempDir } from './dirs.ts';

const named = ({ id }: { id: string }) => (id.startsWith('i') ? BigInt(id.slice(1)) : id.slice(1));
const KINDS = [
  parts<{ id: string }>({ of: 'Box', property: 'Feed', id: named }),
  parts<{ id: string }>({ of: 'Reader', property: 'Feed', id: named }),
];

const idOf = ({ id }: Key): string => (typeof id === 'bigint' ? `i${id}` : `n${id}`);

/** The contract's `Feed:1` and `User:ann/Feed:1` are parts: all of the first in one box, those of a user in a box of theirs. */
function there(key: Key): Key {
  const [root, ...rest] = key.path;
  if (key.kind !== 'Feed' || key.namespace !== '' || rest.length > 1) return key;
  if (rest.length === 0) return Key.of([{ kind: 'Box', id: 1n }, root!]);
  return root!.kind === 'User' ? Key.of([{ kind: 'Reader', id: root!.id }, ...rest]) : key;
}

function back(key: Key): Key {
  const [root, ...rest] = key.path;
  return Key.of(root!.kind === 'Box' ? rest : [{ kind: 'User', id: root!.id }, ...rest]);
}

const isPart = (key: Key): boolean =>
  key.path.length === 2 && key.kind === 'Feed' && ['Box', 'Reader'].includes(key.path[0]!.kind);

const NONE = 'no slot';

/** A part has a name in what it says, and a version that its siblings leave only once it has a slot. */
function asPart<T extends { key: Key; content: Content; slot?: string | undefined }>(put: T): T {
  const key = there(put.key);
  if (!isPart(key)) return { ...put, key };
  const properties = new Map(put.content.properties).set('id', { type: 'string', value: idOf(key) });
  return { ...put, key, content: Content.of(properties), slot: put.slot ?? NONE };
}

function asSeen(entity: Entity | undefined): Entity | undefined {
  if (!entity || !isPart(entity.key)) return entity;
  const properties = new Map(entity.content.properties);
  properties.delete('id');
  return {
    key: back(entity.key),
    content: Content.fromBytes(Content.of(properties).bytes),
    slot: entity.slot === NONE ? undefined : entity.slot,
    version: entity.version,
  };
}

const asMutation = (mutation: Mutation): Mutation =>
  mutation.op === 'delete' ? { ...mutation, key: there(mutation.key) } : asPart(mutation);

function contractStore(base: Store): Store {
  const view = partsView(base, KINDS);
  return {
    ...base,
    capabilities: base.capabilities,
    scan: async (range, limit) => {
      const inBox = range.kind === 'Feed' && range.root === undefined ? { rootKind: 'Box' } : {};
      const cut = {
        ...(range.after ? { after: there(range.after) } : {}),
        ...(range.until ? { until: there(range.until) } : {}),
      };
      const page = await view.scan({ ...range, ...inBox, ...cut }, limit);
      return { ...page, entities: page.entities.map((each) => asSeen(each)!) };
    },
    read: async (keys) => (await view.read(keys.map(there))).map(asSeen),
    readTogether: async (keys) => (await view.readTogether(keys.map(there))).map(asSeen),
    commit: (mutations, guard) => view.commit(mutations.map(asMutation), guard && { ...guard, key: there(guard.key) }),
    commitTogether: (units, guard) =>
      view.commitTogether(
        units.map((unit) => unit.map(asMutation)),
        guard && { ...guard, key: there(guard.key) },
      ),
    overwrite: (puts, removes) => view.overwrite(puts.map(asPart), removes?.map(there)),
    close: () => base.close(),
  };
}

async function filled(base: Store): Promise<Store> {
  const users = ['ann', 'ben'].map((id) => Key.of([{ kind: 'Reader', id }]));
  const numbered = [1n, 2n, 3n].map((id) => Key.of([{ kind: 'Reader', id }]));
  const box = Key.of([{ kind: 'Box', id: 1n }]);
  await base.overwrite([box, ...users, ...numbered].map((key) => ({ key, content: EMPTY })));
  return contractStore(base);
}

const memory =
  (atomic: 'group' | 'any'): Open =>
  async () => {
    const base = memoryStore({ capabilities: { atomic } });
    return { store: await filled(base), cleanup: () => base.close() };
  };

const lmdb: Open = async () => {
  const path = tempDir();
  const base = lmdbStore({ path });
  const cleanup = async () => {
    await base.close();
    rmSync(path, { recursive: true });
  };
  return { store: await filled(base), cleanup };
};

for (const [name, open] of [
  ['parts over memory', memory('group')],
  ['parts over memory, atomic over anything', memory('any')],
  ['parts over lmdb', lmdb],
] as const) {
  mutationContract(name, open, true);
  unitContract(name, open);
  guardContract(name, open);
  concurrencyContract(name, open);
}
