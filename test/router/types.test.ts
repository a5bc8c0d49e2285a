import { describe, expectTypeOf, it } from 'vitest';
import { entity } from '../../src/define/entity.ts';
import { defineMigration, type Migration } from '../../src/define/migration.ts';
import { key } from '../../src/record/key.ts';
import { Router, withGroup } from '../../src/router/router.ts';
import { memoryStore } from '../../src/store/memory.ts';

interface Old {
  user: string;
  title: string;
}
interface New {
  user: string;
  name: string;
}
const rule = entity<Old, New>({
  from: 'Feed',
  into: 'User/Feed',
  to: (feed, old) => key('User', feed.user, 'Feed', old.id),
  forward: ({ user, title }) => ({ user, name: title }),
  backward: ({ user, name }) => ({ user, title: name }),
});
const store = memoryStore();
const address = { from: key('Feed', 1), into: key('User', 'ann', 'Feed', 1) };

// The compiler is the one who checks these.
describe('the shapes of a rule', () => {
  it('flow to the callers of its router', () => {
    const router = new Router({ store, rule });
    expectTypeOf(router).toEqualTypeOf<Router<New, Old>>();
    expectTypeOf(router.get).returns.toEqualTypeOf<Promise<New | undefined>>();
    expectTypeOf(router.getMany).returns.toEqualTypeOf<Promise<(New | undefined)[]>>();
    expectTypeOf(router.insert).parameter(1).toEqualTypeOf<New>();
    expectTypeOf(router.legacy.get).returns.toEqualTypeOf<Promise<Old | undefined>>();
    expectTypeOf(router.legacy.put).parameter(1).toEqualTypeOf<Old>();
    // @ts-expect-error: a record of the old shape is none of the new one
    expectTypeOf(router.put).toBeCallableWith(address, { user: 'ann', title: 'a' });
    // @ts-expect-error: an address names one key at least
    expectTypeOf(router.get).toBeCallableWith({});
    expectTypeOf(router.get).toBeCallableWith({ from: address.from });
  });

  it('flow to a group’s transaction', () => {
    const migration = defineMigration({ name: 'feeds', version: 1, by: 'group', records: [rule] });
    const run = () =>
      withGroup({ store, migration }, key('User', 'ann'), async (group) => group.get(rule, address.into));
    expectTypeOf(run).returns.toEqualTypeOf<Promise<New | undefined>>();
  });

  it('do not hinder a list of rules of several shapes, nor a router whose record type is named', () => {
    const plain = entity({ from: 'Note', into: 'User/Note', to: (_, old) => key('User', 'ann', 'Note', old.id) });
    expectTypeOf(defineMigration({ name: 'all', version: 1, records: [rule, plain] })).toEqualTypeOf<Migration>();
    expectTypeOf(new Router<New>({ store, rule }).get).returns.toEqualTypeOf<Promise<New | undefined>>();
  });
});
