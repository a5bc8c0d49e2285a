import { type Key, key } from '../../record/key.ts';
import { boundsOf, piecesOf } from '../bounds.ts';
import { isFound, termOf } from '../property.ts';
import type { Entity, KeyRange, Page, Store, View } from '../store.ts';
import { type Box, type PartKind, partIn, partsIn, unpack } from './box.ts';
import { Commits } from './commit.ts';

const views = new WeakMap<Store, { readonly base: Store; readonly kinds: readonly PartKind[] }>();
const made = new WeakMap<Store, Map<string, { readonly kinds: readonly PartKind[]; readonly view: Store }>>();

/**
 * A store in which records that are kept inside others are entities of their own, below their containers: each is read,
 * scanned and replaced by itself, under the store port's own contract. The very same store where there are none of them.
 */
export function partsView(given: Store, kinds: readonly PartKind[]): Store {
  if (kinds.length === 0) return given;
  const base = views.get(given)?.base ?? given;
  const all = unique([...kinds, ...(views.get(given)?.kinds ?? [])]);
  if (base !== given && all.length === views.get(given)!.kinds.length && kinds.every((each) => all.includes(each)))
    return given;
  const name = all.map(pathOf).sort().join();
  const before = made.get(base)?.get(name);
  if (before && all.every((each) => before.kinds.includes(each))) return before.view;
  const view = viewOver(base, all);
  views.set(view, { base, kinds: all });
  made.set(base, (made.get(base) ?? new Map()).set(name, { kinds: all, view }));
  return view;
}

const pathOf = ({ of, property }: PartKind): string => [...of, property].join('/');

/** What a migration says of a property is right for its own records, whatever others have said before it. */
const unique = (kinds: readonly PartKind[]): PartKind[] =>
  kinds.filter((kind, i) => kinds.findIndex((each) => pathOf(each) === pathOf(kind)) === i);

function viewOver(store: Store, kinds: readonly PartKind[]): Store {
  const commits = new Commits(store, (key) => kindOf(kinds, key));
  const looking = lookingIn(store, kinds);
  return {
    capabilities: store.capabilities,
    ...(store.prices ? { prices: store.prices } : {}),
    ...(store.facts ? { facts: store.facts } : {}),
    ...looking,
    split: async (range, n, finer) => {
      const kind = kindOfRange(kinds, range);
      if (!kind) return store.split(range, n, finer);
      const pieces = await store.split(containersOf(kind, range), n, finer);
      const cuts = pieces.flatMap(({ until }) => (until && until !== range.until ? [firstPart(kind, until)] : []));
      return piecesOf(
        range,
        cuts.filter((cut) => isWithin(range, cut)),
      );
    },
    readTogether: (keys) => readAll(kinds, keys, (all) => store.readTogether(all)),
    atOneMoment: (run) => store.atOneMoment((view) => run(lookingIn(view, kinds))),
    commit: (mutations, guard) => commits.commit(mutations, guard),
    commitTogether: (units, guard) => commits.commitTogether(units, guard),
    find: async (range, property, value, limit) => {
      const kind = kindOfRange(kinds, range);
      if (!kind) return store.find(range, property, value, limit);
      const term = termOf(property, value);
      return scanParts(store, kind, range, limit, ({ content }) => isFound(content, property, term));
    },
    ...(store.kinds ? { kinds: (namespace) => store.kinds!(namespace) } : {}),
    ...(store.index ? { index: (kind, property) => store.index!(kind, property) } : {}),
    overwrite: (puts, removes) => commits.overwrite(puts, removes ?? []),
    close: () => store.close(),
  };
}

function lookingIn(view: View, kinds: readonly PartKind[]): View {
  return {
    scan: async (range, limit) => {
      const kind = kindOfRange(kinds, range);
      return kind ? scanParts(view, kind, range, limit, () => true) : view.scan(range, limit);
    },
    read: (keys) => readAll(kinds, keys, (all) => view.read(all)),
  };
}

function kindOf(kinds: readonly PartKind[], key: Key): PartKind | undefined {
  return kinds.find(({ of, property }) => {
    const { path } = key;
    return path.length === of.length + 1 && path.every((step, i) => step.kind === (of[i] ?? property));
  });
}

/** Parts are scanned below their containers' root kind: elsewhere their kind is any other. */
function kindOfRange(kinds: readonly PartKind[], { kind, rootKind, root }: KeyRange): PartKind | undefined {
  const at = rootKind ?? root?.root.kind;
  return kinds.find(({ of, property }) => property === kind && of[0] === at);
}

function containersOf({ of }: PartKind, { namespace, root }: KeyRange): KeyRange {
  return { namespace, kind: of[of.length - 1]!, rootKind: of[0]!, ...(root ? { root } : {}) };
}

/** A cut at a container: no part of it comes before this one. */
const firstPart = ({ property }: PartKind, container: Key): Key => key(container, property, 1);

async function readAll(
  kinds: readonly PartKind[],
  keys: readonly Key[],
  read: (keys: readonly Key[]) => Promise<readonly (Entity | undefined)[]>,
): Promise<readonly (Entity | undefined)[]> {
  const of = keys.map((key) => kindOf(kinds, key));
  if (of.every((kind) => kind === undefined)) return read(keys);
  const wanted = new Map<string, Key>();
  for (const [i, key] of keys.entries()) {
    const at = of[i] ? key.parent! : key;
    wanted.set(at.toString(), at);
  }
  const found = await read([...wanted.values()]);
  const byKey = new Map([...wanted.keys()].map((text, i) => [text, found[i]]));
  const boxes = new Map<string, Box>();
  return keys.map((key, i) => {
    const kind = of[i];
    if (!kind) return byKey.get(key.toString());
    const container = byKey.get(key.parent!.toString());
    if (!container) return undefined;
    const name = `${container.key} ${kind.property}`;
    const box = boxes.get(name) ?? unpack(kind, container);
    boxes.set(name, box);
    return partIn(box, key);
  });
}

const isWithin = (range: KeyRange, key: Key): boolean => {
  const bounds = boundsOf(range);
  if (!bounds) return false;
  const start = key.bytes.compare(bounds.start);
  const end = key.bytes.compare(bounds.end);
  return (bounds.exclusiveStart ? start > 0 : start >= 0) && (bounds.inclusiveEnd ? end <= 0 : end < 0);
};

/**
 * Containers in key order, and of each its parts in key order: which is the order of the parts' keys, as they all have one
 * path. A range may begin and end in the middle of a container.
 */
async function scanParts(
  view: View,
  kind: PartKind,
  range: KeyRange,
  limit: number,
  accepts: (part: Entity) => boolean,
): Promise<Page> {
  if (!boundsOf(range)) return { entities: [], more: false };
  const found: Entity[] = [];
  const take = (container: Entity) => {
    if (container.key.path.length !== kind.of.length) return;
    for (const part of partsIn(unpack(kind, container)))
      if (isWithin(range, part.key) && accepts(part)) found.push(part);
  };
  const first = range.after && kindOf([kind], range.after) ? range.after.parent! : undefined;
  const last = range.until && kindOf([kind], range.until) ? range.until.parent! : undefined;
  // What is left of the container in whose middle the page before has ended.
  const [begun] = first ? await view.read([first]) : [];
  if (begun) take(begun);
  let containers: KeyRange = {
    ...containersOf(kind, range),
    ...(first ? { after: first } : {}),
    ...(last ? { until: last } : {}),
  };
  for (let more = true; more && found.length <= limit; ) {
    const page = await view.scan(containers, limit);
    for (const container of page.entities) take(container);
    more = page.more;
    const end = page.entities.at(-1);
    if (end) containers = { ...containers, after: end.key };
  }
  return { entities: found.slice(0, limit), more: found.length > limit };
}
