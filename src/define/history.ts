import { HandoverError } from '../errors.ts';
import type { Migration } from './migration.ts';

export interface Located {
  readonly migration: Pick<Migration, 'name' | 'version' | 'after'>;
  /** Where it was found, for the message. */
  readonly file: string;
}

/**
 * Migrations are ordered by `after`. One that names nothing and is named by nothing is on its own, and a folder of such
 * is in order; but once `after` is used, there must be one last migration: two mean that two people each wrote one on
 * top of the same, and never decided which comes first.
 *
 * Throws `definition.invalid` (two of one name and version, a cycle), `definition.dependency`, `definition.heads`.
 */
export function checkHistory(found: readonly Located[]): void {
  checkTwins(found);
  const after = new Map<string, Set<string>>();
  for (const { migration } of found) {
    after.set(migration.name, new Set([...(after.get(migration.name) ?? []), ...migration.after]));
  }
  for (const { migration, file } of found) {
    const missing = migration.after.find((name) => !after.has(name));
    if (missing === undefined) continue;
    throw new HandoverError(
      'definition.dependency',
      `${file}: ${migration.name} comes after ${missing}, unknown here.`,
    );
  }
  checkCycle(after);
  checkHeads(after);
}

function checkTwins(found: readonly Located[]): void {
  const seen = new Map<string, string>();
  for (const { migration, file } of found) {
    const name = `${migration.name} version ${migration.version}`;
    const before = seen.get(name);
    if (before !== undefined) {
      const where = before === file ? `twice in ${file}` : `in ${before} and in ${file}`;
      throw new HandoverError('definition.invalid', `Migration ${name} is defined ${where}.`);
    }
    seen.set(name, file);
  }
}

function checkCycle(after: ReadonlyMap<string, ReadonlySet<string>>): void {
  const done = new Set<string>();
  const walk = (name: string, trail: readonly string[]): void => {
    if (trail.includes(name)) {
      const circle = [...trail.slice(trail.indexOf(name)), name].join(' after ');
      throw new HandoverError('definition.invalid', `Migrations wait for each other in a circle: ${circle}.`);
    }
    if (done.has(name)) return;
    for (const before of after.get(name)!) walk(before, [...trail, name]);
    done.add(name);
  };
  for (const name of after.keys()) walk(name, []);
}

function checkHeads(after: ReadonlyMap<string, ReadonlySet<string>>): void {
  const named = new Set([...after.values()].flatMap((names) => [...names]));
  if (named.size === 0) return;
  const heads = [...after.keys()].filter((name) => !named.has(name));
  if (heads.length > 1) {
    throw new HandoverError('definition.heads', `Nothing comes after ${heads.join(', nor after ')}.`, { heads });
  }
}
