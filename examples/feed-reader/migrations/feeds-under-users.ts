import { defineMigration, entity, GeoPoint, key, subscription, type Timestamp } from 'handover';
import { websub } from 'handover/webhooks';
import { callbackOf, secretOf, topicOf, webOf } from '../lib/push.ts';

/**
 * The reader began with everything at the root: a feed, an article, a note, each an entity of its own that names its
 * user. Now all that belongs to a user moves below that user, into one entity group, where one transaction can span it.
 * A user's records, and the subscriptions of those feeds that are pushed, go together.
 */
export interface Owned {
  user: string;
  visits: number;
  lastVisit: string;
}

interface OldFeed extends Owned {
  title: string;
  url: string;
  lat: string;
  lng: string;
  /** Of a feed that is pushed: what its callback is called. */
  push?: string;
}

export interface Feed extends Owned {
  title: string;
  url: string;
  where: GeoPoint;
  push?: string;
}

interface OldArticle extends Owned {
  headline: string;
  link: string;
  added: Timestamp;
}

export interface Article extends Owned {
  headline: string;
  url: string;
  savedAt: Timestamp;
}

export interface Note extends Owned {
  text: string;
}

export const feeds = entity<OldFeed, Feed>({
  from: 'Feed',
  into: 'User/Feed',
  to: (feed, old) => key('User', feed.user, 'Feed', old.id),
  // Latitude and longitude, two strings until now, become one point that can be searched for.
  forward: ({ lat, lng, ...rest }) => ({ ...rest, where: new GeoPoint(Number(lat), Number(lng)) }),
  backward: ({ where, ...rest }) => ({ ...rest, lat: String(where.latitude), lng: String(where.longitude) }),
});

export const articles = entity<OldArticle, Article>({
  from: 'Article',
  into: 'User/Article',
  to: (article, old) => key('User', article.user, 'Article', old.id),
  rename: { link: 'url', added: 'savedAt' },
});

export const notes = entity<Note>({
  from: 'Note',
  into: 'User/Note',
  to: (note, old) => key('User', note.user, 'Note', old.id),
});

/** Some feeds are pushed, by WebSub. They get a new callback URL on the way, and no update is to be missed by that. */
const pushed = subscription<OldFeed>({
  of: 'Feed',
  // The demo's hub is on this machine.
  hub: websub({ allow: ['127.0.0.1'], plainHttp: true }),
  protocol: 'feed',
  // So long, without an update, until a feed that says nothing new counts as quiet: nobody wants to wait an hour here.
  quietMs: 3000,
  terms: ({ push }) => {
    const web = push === undefined ? undefined : webOf();
    if (push === undefined || !web) return undefined;
    const secret = secretOf(push);
    return {
      topic: topicOf(web, push),
      old: callbackOf(web, 'old', push),
      new: callbackOf(web, 'new', push),
      oldSecret: secret,
      newSecret: secret,
    };
  },
});

export default defineMigration({
  name: 'feeds-under-users',
  version: 1,
  by: 'group',
  records: [feeds, articles, notes],
  subscriptions: [pushed],
});
