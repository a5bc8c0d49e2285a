import { describe, expect, it } from 'vitest';
import { type ConfigDefinition, defineConfig } from '../../src/define/config.ts';
import { HandoverError } from '../../src/errors.ts';
import { memoryStore } from '../../src/store/memory.ts';

const store = () => memoryStore();

function refusal(definition: unknown): { code: string; detail: string } {
  try {
    defineConfig(definition as ConfigDefinition);
  } catch (error) {
    if (error instanceof HandoverError) return { code: error.code, detail: error.detail };
    throw error;
  }
  throw new Error('It was accepted.');
}

describe('a configuration', () => {
  it('looks for migrations beside itself by default', () => {
    expect(defineConfig({ store })).toEqual({ store, migrations: './migrations' });
  });

  it.each([
    ['an unknown option', { store, migration: './m' }, 'there is no option "migration".'],
    ['no store', {}, '`store` must be a function that returns a store, as () => lmdbStore({ path }).'],
    [
      'a store that is not a function',
      { store: memoryStore() },
      '`store` must be a function that returns a store, as () => lmdbStore({ path }).',
    ],
    ['a folder that is none', { store, migrations: 7 }, '`migrations` must be the path of a folder.'],
    ['an empty folder name', { store, migrations: '' }, '`migrations` must not be empty.'],
    ['no object', 'store', 'it must be an object.'],
    ['nothing', undefined, 'it must be an object.'],
  ])('is refused with %s', (_case, definition, detail) => {
    expect(refusal(definition)).toEqual({ code: 'config.invalid', detail });
  });

  it('names everything that is wrong at once', () => {
    expect(refusal({ migrations: 7, colour: 'red' }).detail).toMatch(
      /^`store` must .*; `migrations` must .*; there is no option "colour"\.$/,
    );
  });
});
