import { Content } from '../../src/record/content.ts';
import { type Key, key } from '../../src/record/key.ts';
import { fromPlain } from '../../src/record/plain.ts';
import type { Store } from '../../src/store/store.ts';

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

/** A query of an emulator looks at every entity of its kind: many records are of several kinds. */
const OF_A_KIND = 1_000;
const placeOf = (n: number): number => Math.floor((n - 1) / OF_A_KIND);
const kindOf = (n: number): string => `Feed${placeOf(n) || ''}`;

export const oldKey = (n: number): Key => key(kindOf(n), n);
export const newKey = (n: number): Key => key('User', userOf(n), kindOf(n), n);

/** All of them, in their old home. */
export async function fill(store: Store, records: number): Promise<void> {
  for (let first = 1; first <= records; first += FILLED_AT_ONCE) {
    const numbers = Array.from({ length: Math.min(FILLED_AT_ONCE, records - first + 1) }, (_, i) => first + i);
    await store.overwrite(numbers.map((n) => ({ key: oldKey(n), content: Content.of(fromPlain({ ...feedOf(n) })) })));
  }
}

const FILLED_AT_ONCE = 5_000;

/** The same as a user's own module: `title` becomes `name` in capitals, and back. */
export const migrationOf = (records: number): string => `
  import { defineMigration, entity, key } from 'handover';
  const kinds = Array.from({ length: ${placeOf(records) + 1} }, (_, place) => 'Feed' + (place || ''));
  export const rules = kinds.map((kind) =>
    entity({
      from: kind,
      into: 'User/' + kind,
      to: (feed, old) => key('User', feed.user, kind, old.id),
      forward: ({ title, ...feed }) => ({ ...feed, name: title.toUpperCase() }),
      backward: ({ name, ...feed }) => ({ ...feed, title: name.toLowerCase() }),
    }),
  );
  export const placeOf = (n) => Math.floor((n - 1) / ${OF_A_KIND});
  export const addressOf = (n) => ({
    from: key(kinds[placeOf(n)], n),
    into: key('User', 'u' + Math.floor((n - 1) / 4), kinds[placeOf(n)], n),
  });
  export default defineMigration({ name: 'feeds', version: 1, records: rules });
`;
