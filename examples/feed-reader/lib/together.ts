import { randomUUID } from 'node:crypto';
import { type Entity, type GroupTransaction, key, type Migration, type Store, withGroup } from 'handover';
import { articles, feeds, notes, type Owned } from '../migrations/feeds-under-users.ts';
import type { AckLog } from './ackLog.ts';
import type { LastWrite } from './expected.ts';
import { recordAt } from './records.ts';
import { Shelves } from './shelves.ts';
import { written } from './values.ts';

/** What the migration was for: a user's feed, article and note, changed in a single transaction. */
export interface Together {
  readonly user: string;
  /** Records that were to change: a feed, an article and a note, or none where no user has all three. */
  readonly due: number;
  /** Of these, found changed in the store, as they were meant to be. */
  readonly changed: number;
  /** Found changed in the store after a transaction that threw when it had written two of them. */
  readonly changedByFailed: number;
  readonly holds: boolean;
}

/** Counts a visit to all three of them: first in a transaction that fails in the middle, then in one that does not. */
export async function changeTogether(
  store: Store,
  migration: Migration,
  records: number,
  last: ReadonlyMap<number, LastWrite>,
  log: AckLog,
): Promise<Together> {
  const chosen = oneOfEach(records);
  if (!chosen) return { user: 'nobody', due: 0, changed: 0, changedByFailed: 0, holds: true };
  const { user, numbers } = chosen;
  const keys = numbers.map((n) => recordAt(n).into);
  const token = `together-${randomUUID()}`;
  const visit = <R extends Owned>(record: R): R => ({ ...record, visits: record.visits + 1, lastVisit: token });
  const [feed, article, note] = keys as [(typeof keys)[0], (typeof keys)[0], (typeof keys)[0]];
  const visitTwo = async (group: GroupTransaction) => {
    await group.update(feeds, feed, visit);
    await group.update(articles, article, visit);
  };
  const transaction = (run: (group: GroupTransaction) => Promise<unknown>) =>
    withGroup({ store, migration }, key('User', user), run);

  const before = await store.read(keys);
  const failure = new Error('before the third');
  await transaction(async (group) => {
    await visitTwo(group);
    throw failure;
  }).catch((error) => {
    if (error !== failure) throw error;
  });
  const untouched = await store.read(keys);
  const changedByFailed = keys.filter((_, i) => !isSame(before[i], untouched[i])).length;

  await transaction(async (group) => {
    await visitTwo(group);
    await group.update(notes, note, visit);
  });
  const after = await store.read(keys);
  for (const n of numbers) log.append(n, { visits: (last.get(n)?.visits ?? 0) + 1, token });
  const changed = keys.filter((_, i) => isVisited(before[i], after[i], token)).length;
  return { user, due: keys.length, changed, changedByFailed, holds: changed === keys.length && changedByFailed === 0 };
}

/** The first user who has a feed, an article and a note. */
function oneOfEach(records: number): { readonly user: string; readonly numbers: readonly number[] } | undefined {
  const shelves = new Shelves(records);
  for (const user of shelves.users) {
    const { Feed, Article, Note } = shelves.shown(user);
    const numbers = [Feed[0], Article[0], Note[0]].filter((n) => n !== undefined);
    if (numbers.length === 3) return { user, numbers };
  }
  return undefined;
}

const isSame = (a: Entity | undefined, b: Entity | undefined) => a?.version === b?.version;

/** One visit more, by this name, and all else as it was. */
function isVisited(before: Entity | undefined, after: Entity | undefined, token: string): boolean {
  const visits = before?.content.properties.get('visits');
  if (!before || !after || visits?.type !== 'integer') return false;
  const expected = new Map(before.content.properties)
    .set('visits', { ...visits, value: visits.value + 1n })
    .set('lastVisit', { type: 'string', value: token });
  return written(after.content.properties) === written(expected);
}
