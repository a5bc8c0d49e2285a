import { createJiti } from 'jiti';

// A child process runs the TypeScript sources as they are: Node 20 cannot strip types by itself.
const jiti = createJiti(import.meta.url);
const source = (path) => jiti.import(new URL(`../../../src/${path}`, import.meta.url).pathname);

export const { lmdbStore } = await source('store/lmdb.ts');
export const { key } = await source('record/key.ts');
export const { Content } = await source('record/content.ts');

export const numbered = (n) => Content.of(new Map([['n', { type: 'integer', value: BigInt(n) }]]));
export const numberOf = (entity) => Number(entity.content.properties.get('n').value);
