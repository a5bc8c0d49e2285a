import { defineMigration, entity, key, Timestamp } from 'handover';

type OldFeed = { user: string; url: string; added: number };
type Feed = { user: string; url: string; addedAt: Timestamp };

const feeds = entity<OldFeed, Feed>({
  from: 'Feed',
  into: 'User/Feed',
  to: (feed, old) => key('User', feed.user, 'Feed', old.id),
  forward: ({ added, ...feed }) => ({ ...feed, addedAt: Timestamp.of(added) }),
  backward: ({ addedAt, ...feed }) => ({ ...feed, added: Number(addedAt.seconds) }),
});

export default defineMigration({ name: 'feeds', version: 1, records: [feeds] });
