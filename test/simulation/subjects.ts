import { entity } from '../../src/define/entity.ts';
import { count, fold, sum } from '../../src/define/invariant.ts';
import { defineMigration } from '../../src/define/migration.ts';
import { parts } from '../../src/define/parts.ts';
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

interface Labelled {
  user: string;
  label: string;
}

const rule = entity<Feed, Named>({
  from: 'Feed',
  into: 'User/Feed',
  to: (feed, old) => key('User', feed.user, 'Feed', old.id),
  forward: ({ user, title }) => ({ user, name: title.toUpperCase() }),
  backward: ({ user, name }) => ({ user, title: name.toLowerCase() }),
});

/** The same in another new shape, for a version that takes over from the first. */
const labelled = entity<Feed, Labelled>({
  from: 'Feed',
  into: 'User/Feed',
  to: (feed, old) => key('User', feed.user, 'Feed', old.id),
  forward: ({ user, title }) => ({ user, label: `<${title}>` }),
  backward: ({ user, label }) => ({ user, title: label.slice(1, -1) }),
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
interface Booking {
  user: string;
  from: string;
  to: string;
  amount: string;
}

interface Booked {
  user: string;
  from: string;
  to: string;
  cents: number;
}

const centsOf = (amount: string) => Math.round(Number(amount) * 100);

const bookings = (cents: (amount: string) => number) =>
  entity<Booking, Booked>({
    from: 'Booking',
    into: 'User/Booking',
    to: ({ user }, old) => key('User', user, 'Booking', old.id),
    forward: ({ amount, ...booking }) => ({ ...booking, cents: cents(amount) }),
    backward: ({ cents, ...booking }) => ({ ...booking, amount: (cents / 100).toFixed(2) }),
  });

/** What is booked from one account is booked to another. */
function balance(total: number, { from, to }: Booking | Booked, cents: number): number {
  return total + (from === '' ? 0 : -cents) + (to === '' ? 0 : cents);
}

/** A ledger, with totals that every write of its clients keeps. `cents`: what its transform makes of an amount. */
export function ledger(by: 'record' | 'group', cents = centsOf): Subjects {
  return {
    migration: defineMigration({
      name: 'ledger',
      version: 1,
      by,
      records: [bookings(cents)],
      invariants: [
        count<Booking, Booked>({ name: 'bookings', by: ({ user }) => user }),
        sum<Booking, Booked>({
          name: 'cents',
          value: { old: ({ amount }) => centsOf(amount), new: (booking) => booking.cents },
          by: ({ user }) => user,
        }),
        fold<number, Booking, Booked>({
          name: 'balance',
          must: { equals: 0 },
          start: 0,
          add: {
            old: (total, booking) => balance(total, booking, centsOf(booking.amount)),
            new: (total, booking) => balance(total, booking, booking.cents),
          },
          merge: (a, b) => a + b,
        }),
      ],
    }),
    records: [1, 2, 3].map((n) => ({
      key: key('Booking', n),
      record: { user: `u${n % 2}`, from: `a${n}`, to: `b${n}`, amount: `${n}.3${n}` },
    })),
    change: (booking: Booked, n: number) => ({ ...booking, cents: 1_000 + n }),
  };
}

export const byRecord = subjects('record');
export const referringByRecord = withReferences('record');
export const referringByGroup = withReferences('group');
export const byGroup = subjects('group');

const hooked = (by: 'record' | 'group'): Subjects => ({ ...subjects(by), hooked: true });
/** Fewer operations a second than all workers want, and enough to get on. */
const bound = (by: 'record' | 'group'): Subjects => ({ ...subjects(by), ceiling: 20 });
export const boundByRecord = bound('record');
export const boundByGroup = bound('group');
export const hookedByRecord = hooked('record');
export const hookedByGroup = hooked('group');

const upgraded = (by: 'record' | 'group'): Subjects => ({
  ...subjects(by),
  next: {
    migration: defineMigration({ name: 'feeds', version: 2, by, records: [labelled] }),
    newer: ({ user, name }: Named): Labelled => ({ user, label: `<${name.toLowerCase()}>` }),
    older: ({ user, label }: Labelled) =>
      label === undefined ? undefined : { user, name: label.slice(1, -1).toUpperCase() },
  },
});
export const upgradedByRecord = upgraded('record');
export const upgradedByGroup = upgraded('group');

interface Inside {
  id: number;
  title: string;
}

const inside = parts<Inside | (Named & Inside)>({ of: 'Customer', property: 'feeds', id: ({ id }) => id });
const BOX = { key: key('Customer', 1), record: { name: 'ann' } };
const THREE = [1, 2, 3];

/** Three records inside one other, each to be one of its own: elsewhere, or (`below`) below the one that they were in. */
export const splitUp = (below: boolean): Subjects => ({
  migration: defineMigration({
    name: 'split-up',
    version: 1,
    records: [
      entity<Inside, { id: number; name: string }>({
        from: inside,
        into: below ? 'Customer/Feed' : 'Feed',
        to: (_, old) => (below ? key('Customer', 1, 'Feed', old.id) : key('Feed', old.id)),
        forward: ({ id, title }) => ({ id, name: title.toUpperCase() }),
        backward: ({ id, name }) => ({ id, title: name.toLowerCase() }),
      }),
    ],
  }),
  containers: [BOX],
  records: THREE.map((id) => ({ key: key('Customer', 1, 'feeds', id), record: { id, title: `feed ${id}` } })),
  change: (feed: { id: number; name: string }, n: number) => ({ ...feed, name: `WRITE ${n}` }),
});

/** Three records of their own, each to be kept inside one other. */
export const merged: Subjects = {
  migration: defineMigration({
    name: 'merged',
    version: 1,
    records: [
      entity<Inside, { id: number; name: string }>({
        from: 'Feed',
        into: inside,
        to: (_, old) => key('Customer', 1, 'feeds', old.id),
        forward: ({ id, title }) => ({ id, name: title.toUpperCase() }),
        backward: ({ id, name }) => ({ id, title: name.toLowerCase() }),
      }),
    ],
  }),
  containers: [BOX],
  records: THREE.map((id) => ({ key: key('Feed', id), record: { id, title: `feed ${id}` } })),
  change: (feed: { id: number; name: string }, n: number) => ({ ...feed, name: `WRITE ${n}` }),
};
