import { entity } from '../../src/define/entity.ts';
import { defineMigration } from '../../src/define/migration.ts';
import { type Key, key } from '../../src/record/key.ts';
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

interface Entry {
  user: string;
  title: string;
  feed: Key;
}

interface NamedEntry {
  user: string;
  name: string;
  feed: Key;
}

const referred = entity<Feed, Named>({
  from: 'Feed',
  into: 'User/Feed',
  to: (feed, old) => key('User', feed.user, 'Feed', old.id),
  forward: ({ user, title }) => ({ user, name: title.toUpperCase() }),
  backward: ({ user, name }) => ({ user, title: name.toLowerCase() }),
  references: [
    { kind: 'Entry', property: 'feed' },
    { kind: 'Note', property: 'about.feeds' },
  ],
});

/** Moves itself, and refers to what moves. */
const referring = entity<Entry, NamedEntry>({
  from: 'Entry',
  into: 'User/Entry',
  to: (entry, old) => key('User', entry.user, 'Entry', old.id),
  forward: ({ user, title, feed }) => ({ user, name: title.toUpperCase(), feed }),
  backward: ({ user, name, feed }) => ({ user, title: name.toLowerCase(), feed }),
  references: [{ kind: 'Note', property: 'about.feeds' }],
});

const withReferences = (by: 'record' | 'group'): Subjects => ({
  migration: defineMigration({ name: 'feeds', version: 1, by, records: [referred, referring] }),
  records: [
    { key: key('Feed', 1), record: { user: 'u1', title: 'feed 1' } },
    { key: key('Entry', 1), record: { user: 'u1', title: 'entry 1', feed: key('Feed', 1) } },
    { key: key('Feed', 2), record: { user: 'u2', title: 'feed 2' } },
  ],
  change: (record: Named, n: number) => ({ ...record, name: `WRITE ${n}` }),
  referrers: [1, 2].map((n) => ({
    key: key('Note', n),
    refer: (to) => ({ text: `note ${n}`, about: { feeds: [to] } }),
  })),
});

export const byRecord = subjects('record');
export const referringByRecord = withReferences('record');
export const referringByGroup = withReferences('group');
export const byGroup = subjects('group');
