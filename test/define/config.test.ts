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

  it('takes some prices or all', () => {
    const prices = { list: 'ours', currency: 'EUR', reads: 0.03, writes: 0.09, deletes: 0, storage: 0.15 };
    expect(defineConfig({ store, prices }).prices).toEqual(prices);
    expect(defineConfig({ store, prices: { reads: 0.03 } }).prices).toEqual({ reads: 0.03 });
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
    ['prices that are none', { store, prices: 7 }, '`prices` must be an object.'],
    ['a price below nothing', { store, prices: { reads: -1 } }, '`prices.reads` must not be negative.'],
    ['a price that is no number', { store, prices: { writes: '0.18' } }, '`prices.writes` must be a number.'],
    ['no currency', { store, prices: { currency: 'dollars' } }, '`prices.currency` must be a currency, as USD.'],
    ['a price of nothing known', { store, prices: { small: 1 } }, 'there is no option "prices.small".'],
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
