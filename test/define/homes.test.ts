import { describe, expect, it } from 'vitest';
import { entity } from '../../src/define/entity.ts';
import { field } from '../../src/define/field.ts';
import { homesOf, homeText, overlaps } from '../../src/define/homes.ts';
import { defineMigration } from '../../src/define/migration.ts';
import { parts } from '../../src/define/parts.ts';
import { key } from '../../src/record/key.ts';

const move = (from: string, into: string) =>
  entity({ from, into, to: (_, old) => key(into.split('/')[0]!, 'x', into.split('/')[1] ?? from, old.id) });
const migration = (name: string, rules: readonly [string, string][], after: readonly string[] = [], namespace = '') =>
  defineMigration({ name, version: 1, after, namespace, records: rules.map(([from, into]) => move(from, into)) });

describe('homes of a migration', () => {
  it('are each named once, in an order that all share, with their namespace', () => {
    const feeds = migration(
      'feeds',
      [
        ['Feed', 'User/Feed'],
        ['Entry', 'User/Entry'],
      ],
      [],
      'a:b',
    );
    expect(homesOf(feeds)).toEqual(['a%3Ab:Entry', 'a%3Ab:Feed', 'a%3Ab:User/Entry', 'a%3Ab:User/Feed']);
    expect(homesOf(feeds).map(homeText)[0]).toBe('Entry in namespace a:b');
  });

  it('keep fields that change in place apart from what is rewritten as it refers, wherever that stands', () => {
    const references = [{ kind: 'Profile', property: 'feed' }];
    const feeds = entity({
      from: 'Feed',
      into: 'User/Feed',
      to: (_, old) => key('User', 'x', 'Feed', old.id),
      references,
    });
    const referring = defineMigration({ name: 'feeds', version: 1, records: [feeds] });
    const fields = [field({ of: 'User/Profile', rename: { mail: 'email' } })];
    const changing = defineMigration({ name: 'mails', version: 1, fields });
    expect(homesOf(changing)).toEqual([':*/Profile', ':User/Profile']);
    expect(overlaps([referring, changing])).toEqual([{ migrations: ['feeds', 'mails'], homes: [':*/Profile'] }]);
  });

  it('that are inside other records name those too: whoever moves them moves what is inside', () => {
    const feeds = parts<{ id: number }>({ of: 'User', property: 'feeds', id: ({ id }) => id });
    const out = entity({ from: feeds, into: 'Feed', to: (_, old) => key('Feed', old.id) });
    const split = defineMigration({ name: 'split', version: 1, records: [out] });
    expect(homesOf(split)).toEqual([':Feed', ':User', ':User/feeds']);
    expect(overlaps([split, migration('users', [['User', 'Team/User']])])).toMatchObject([{ homes: [':User'] }]);
  });

  it('overlap where two name one, and neither comes after the other at any distance', () => {
    const a = migration('a', [['Feed', 'User/Feed']]);
    const b = migration('b', [['User/Feed', 'Team/Feed']], ['a']);
    const c = migration('c', [['Feed', 'Blog/Feed']], ['b']);
    const d = migration('d', [['Feed', 'Shop/Feed']]);
    const elsewhere = migration('e', [['Feed', 'User/Feed']], [], 'tenant');
    expect(overlaps([a, b, c, elsewhere])).toEqual([]);
    expect(overlaps([a, b, d])).toEqual([{ migrations: ['a', 'd'], homes: [':Feed'] }]);
  });
});
