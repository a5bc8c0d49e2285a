import type { Migration } from './migration.ts';

/** All that decides which records a migration is about. */
type Touching = Pick<Migration, 'namespace' | 'records' | 'subscriptions' | 'fields' | 'references'>;

/**
 * What a migration touches: each namespace with the kinds of a path, as `:User/Feed`, in order. Two migrations that name
 * one home must not run at the same time: each would find records in the middle of the other's way.
 */
export function homesOf({ namespace, records, subscriptions, fields, references }: Touching): readonly string[] {
  const paths = [
    ...records.flatMap(({ from, into }) => [from, into]),
    // Whoever moves what parts are kept inside of moves the parts.
    ...records.flatMap(({ parts = [] }) => parts.map(({ of }) => of)),
    ...[...subscriptions, ...fields].map(({ of }) => of),
    // A key that is rewritten in a record whose properties change in place would look written by an old instance. What
    // refers is named by its last kind, wherever that stands.
    ...[...fields, ...references].map(({ of }) => ['*', of.at(-1)!]),
  ];
  // Escaped, so that no name holds the colon that ends it.
  return [...new Set(paths.map((path) => `${encodeURIComponent(namespace)}:${path.join('/')}`))].sort();
}

/** A home as a person would say it. */
export function homeText(home: string): string {
  const [namespace, path] = [home.slice(0, home.indexOf(':')), home.slice(home.indexOf(':') + 1)];
  return namespace === '' ? path : `${path} in namespace ${decodeURIComponent(namespace)}`;
}

export interface Overlap {
  readonly migrations: readonly [string, string];
  readonly homes: readonly string[];
}

/** Pairs of migrations that touch one home while neither comes after the other: whichever starts second is refused. */
export function overlaps(migrations: readonly (Touching & Pick<Migration, 'name' | 'after'>)[]): readonly Overlap[] {
  const homes = new Map<string, Set<string>>();
  const after = new Map<string, readonly string[]>();
  for (const migration of migrations) {
    homes.set(migration.name, new Set([...(homes.get(migration.name) ?? []), ...homesOf(migration)]));
    after.set(migration.name, [...(after.get(migration.name) ?? []), ...migration.after]);
  }
  const names = [...homes.keys()];
  const ordered = new Map(names.map((name) => [name, before(name, after)]));
  return names.flatMap((one, i) =>
    names.slice(i + 1).flatMap((other): Overlap[] => {
      if (ordered.get(one)!.has(other) || ordered.get(other)!.has(one)) return [];
      const shared = [...homes.get(one)!].filter((home) => homes.get(other)!.has(home));
      return shared.length === 0 ? [] : [{ migrations: [one, other], homes: shared }];
    }),
  );
}

/** All that a migration comes after, at any distance. */
function before(name: string, after: ReadonlyMap<string, readonly string[]>): ReadonlySet<string> {
  const found = new Set<string>();
  const walk = (each: string): void => {
    for (const earlier of after.get(each) ?? []) {
      if (found.has(earlier)) continue;
      found.add(earlier);
      walk(earlier);
    }
  };
  walk(name);
  return found;
}
