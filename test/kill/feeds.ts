import { type Key, key } from '../../src/record/key.ts';

/** What is moved while processes die: records whose every write leaves its mark, so that none can be lost unseen. */
export interface CountedFeed {
  readonly user: string;
  readonly title: string;
  /** Raised by each write, */
  readonly visits: number;
  /** and this is which one it was. */
  readonly last: string;
}

/** Few to a user, and side by side: an emulator that knows entity groups copies all of a group for each write to it. */
const userOf = (n: number): string => `u${Math.floor((n - 1) / 4)}`;

export const feedOf = (n: number): CountedFeed => ({ user: userOf(n), title: `feed ${n}`, visits: 0, last: '' });

export const oldKey = (n: number): Key => key('Feed', n);
export const newKey = (n: number): Key => key('User', userOf(n), 'Feed', n);

/** The same as a user's own module: `title` becomes `name` in capitals, and back. */
export const MIGRATION = `
  import { defineMigration, entity, key } from 'handover';
  export const rule = entity({
    from: 'Feed',
    into: 'User/Feed',
    to: (feed, old) => key('User', feed.user, 'Feed', old.id),
    forward: ({ title, ...feed }) => ({ ...feed, name: title.toUpperCase() }),
    backward: ({ name, ...feed }) => ({ ...feed, title: name.toLowerCase() }),
  });
  export const addressOf = (n) => ({
    from: key('Feed', n),
    into: key('User', 'u' + Math.floor((n - 1) / 4), 'Feed', n),
  });
  export default defineMigration({ name: 'feeds', version: 1, records: [rule] });
`;
