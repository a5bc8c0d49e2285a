import { entity } from '../../src/define/entity.ts';
import { defineMigration } from '../../src/define/migration.ts';
import { homeRange } from '../../src/engine/sweep.ts';
import { Content } from '../../src/record/content.ts';
import { key } from '../../src/record/key.ts';
import { fromPlain } from '../../src/record/plain.ts';
import type { KeyRange, Store } from '../../src/store/store.ts';

/** What is moved: entities of about 600 bytes and 11 properties, to keys below their users. */
export const rule = entity<{ user: string }>({
  from: 'Feed',
  into: 'User/Subscription',
  to: (feed, old) => key('User', feed.user, 'Subscription', old.id),
});
export const migration = defineMigration({ name: 'bench', version: 1, records: [rule] });

const feedOf = (n: number, user: number) => ({
  user: `user${user}`,
  url: `https://example.com/feeds/${n}/rss.xml`,
  title: `The feed number ${n} of the reader`,
  added: new Date(1_600_000_000_000 + n * 1000),
  visits: n % 97,
  score: n / 7,
  muted: n % 3 === 0,
  tags: ['news', `tag${n % 10}`],
  etag: Buffer.alloc(16, n % 251),
  error: null,
  note: 'x'.repeat(300),
});

export const contentOf = (n: number, user: number): Content => Content.of(fromPlain(feedOf(n, user)));

export async function seed(store: Store, records: number, userOf: (n: number) => number): Promise<void> {
  for (let first = 1; first <= records; first += 5000) {
    const count = Math.min(5000, records - first + 1);
    const numbers = Array.from({ length: count }, (_, i) => first + i);
    await store.overwrite(numbers.map((n) => ({ key: key('Feed', n), content: contentOf(n, userOf(n)) })));
  }
}

/** A benchmark of something that does not work is worth nothing. */
export async function expectMoved(store: Store, count: number): Promise<void> {
  let found = 0;
  let range: KeyRange = homeRange(migration, 0, 'T');
  for (let more = true; more; ) {
    const page = await store.scan(range, 5000);
    found += page.entities.length;
    more = page.more;
    if (more) range = { ...range, after: page.entities[page.entities.length - 1]!.key };
  }
  const left = (await store.scan(homeRange(migration, 0, 'S'), 1)).entities.length;
  if (found !== count || left > 0) throw new Error(`${found} of ${count} arrived, ${left} left behind`);
}
