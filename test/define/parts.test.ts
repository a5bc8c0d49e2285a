import { describe, expect, it } from 'vitest';
import { entity } from '../../src/define/entity.ts';
import { field } from '../../src/define/field.ts';
import { defineMigration } from '../../src/define/migration.ts';
import { outlineOf, unfit } from '../../src/define/outline.ts';
import { parts, viewOf } from '../../src/define/parts.ts';
import { key } from '../../src/record/key.ts';
import { memoryStore } from '../../src/store/memory.ts';

const feeds = parts<{ id: number }>({ of: 'User', property: 'feeds', id: ({ id }) => id });
const to = () => key('Feed', 1);
const out = entity({ from: feeds, into: 'Feed', to });
const invalid = (what: string) =>
  expect.objectContaining({ code: 'definition.invalid', detail: expect.stringContaining(what) });

describe('records inside others, as they are defined', () => {
  it.each([
    ['of', { of: '', property: 'x', id: () => 1 }],
    ['property', { of: 'User', property: 'a.b', id: () => 1 }],
    ['property', { of: 'User', property: '_handover', id: () => 1 }],
    ['id', { of: 'User', property: 'x' }],
  ])('what is wrong with `%s` is said', (name, definition) => {
    expect(() => parts(definition as never)).toThrow(invalid(name));
  });

  it('an id is a whole number from 1 on, or a name', () => {
    const idOf = (id: unknown) => parts({ of: 'User', property: 'x', id: () => id as never }).id(new Map());
    expect([idOf(7), idOf(7n), idOf('a')]).toEqual([7n, 7n, 'a']);
    for (const wrong of [0, -1, 1.5, '', undefined, null, {}]) expect(() => idOf(wrong)).toThrow('`id` gave');
  });

  it('what cannot be together is refused', () => {
    const other = parts<{ id: number }>({ of: 'User', property: 'old', id: ({ id }) => id });
    expect(() => entity({ from: feeds, into: other, to })).toThrow(invalid('one array'));
    const references = [{ kind: 'X', property: 'feed' }];
    expect(() => entity({ from: feeds, into: 'Feed', to, references })).toThrow(invalid('refers'));
    const base = { name: 'm', version: 1 };
    const users = entity({ from: 'User', into: 'Team/User', to });
    expect(() => defineMigration({ ...base, records: [out, users] })).toThrow(invalid('moves itself'));
    const fields = [field({ of: 'User', rename: { mail: 'email' } })];
    expect(() => defineMigration({ ...base, records: [out], fields })).toThrow(invalid('fields that change'));
    const referred = entity({ from: 'A', into: 'B', to, references: [{ kind: 'User', property: 'a' }] });
    expect(() => defineMigration({ ...base, records: [out, referred] })).toThrow(invalid('refers to others'));
  });

  it('what decides about parts is of the fingerprint; without any, the store is the very same', () => {
    const named = parts<{ name: string }>({ of: 'User', property: 'feeds', id: ({ name }) => name });
    const of = (from: typeof feeds) =>
      defineMigration({ name: 'm', version: 1, records: [entity({ from, into: 'Feed', to })] });
    expect(of(feeds).fingerprint).not.toBe(of(named).fingerprint);
    expect(unfit(outlineOf(of(feeds))!, of(feeds))).toBeUndefined();
    expect(unfit(outlineOf(of(feeds))!, of(named))).toContain('its rule 1 must be the one for User/feeds into Feed');
    const store = memoryStore();
    const plain = defineMigration({ name: 'm', version: 1, records: [entity({ from: 'A', into: 'B', to })] });
    expect(viewOf(store, plain)).toBe(store);
    const split = of(feeds);
    const view = viewOf(store, split);
    expect(view).not.toBe(store);
    expect([viewOf(view, split), viewOf(store, split)].every((each) => each === view)).toBe(true);
  });
});
