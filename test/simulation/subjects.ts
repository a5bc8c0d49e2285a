import { entity } from '../../src/define/entity.ts';
import { defineMigration } from '../../src/define/migration.ts';
import { key } from '../../src/record/key.ts';
import type { Subjects } from '../../src/testing/subject.ts';

interface Feed {
  user: string;
  title: string;
}

interface Named {
  user: string;
  name: string;
}

const rule = entity<Feed, Named>({
  from: 'Feed',
  into: 'User/Feed',
  to: (feed, old) => key('User', feed.user, 'Feed', old.id),
  forward: ({ user, title }) => ({ user, name: title.toUpperCase() }),
  backward: ({ user, name }) => ({ user, title: name.toLowerCase() }),
});

const subjects = (by: 'record' | 'group'): Subjects => ({
  migration: defineMigration({ name: 'feeds', version: 1, by, records: [rule] }),
  // Two of one user, one of another.
  records: [1, 2, 3].map((n) => ({ key: key('Feed', n), record: { user: `u${n % 2}`, title: `feed ${n}` } })),
  change: (feed: Named, n: number) => ({ ...feed, name: `WRITE ${n}` }),
});

export const byRecord = subjects('record');
export const byGroup = subjects('group');
