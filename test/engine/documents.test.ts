import { expect, it } from 'vitest';
import { documentKey, load, save } from '../../src/engine/documents.ts';
import type { RangeDocument } from '../../src/engine/schemas.ts';
import { HandoverError } from '../../src/errors.ts';
import { Content } from '../../src/record/content.ts';
import { memoryStore } from '../../src/store/memory.ts';

const AT = documentKey('range', 'feeds.1', '000001.000001.000000');

/** A document as somebody wrote it who knows more than this version does. */
async function written(value: object) {
  const store = memoryStore();
  const content = Content.of(new Map([['state', { type: 'string', value: JSON.stringify(value), unindexed: true }]]));
  await store.overwrite([{ key: AT, content }]);
  const textNow = async () => {
    const state = (await store.read([AT]))[0]!.content.properties.get('state');
    return JSON.parse(state?.type === 'string' ? state.value : '');
  };
  return { store, textNow };
}

const NEWER = {
  v: 1,
  done: false,
  fresh: { of: 'a newer version' },
  claim: { by: 'w1.0', untilMs: 7, fresh: true },
  counts: { seen: 5 },
};

it('what a newer version has added to a document is there still when this one has written it back', async () => {
  const { store, textNow } = await written(NEWER);
  const { key, value, version } = (await load(store, 'range', AT))!;
  const { claim, ...rest } = value;
  await save<'range'>(store, key, { ...rest, claim: { ...claim!, untilMs: 9 }, done: true }, version);
  expect(await textNow()).toEqual({ ...NEWER, done: true, claim: { ...NEWER.claim, untilMs: 9 } });
});

it('what this version takes away is gone, whatever else stands there', async () => {
  const { store, textNow } = await written(NEWER);
  const { key, value, version } = (await load(store, 'range', AT))!;
  const { claim: _, ...rest } = value;
  await save<'range'>(store, key, rest as RangeDocument, version);
  const { claim: __, ...expected } = NEWER;
  expect(await textNow()).toEqual(expected);
});

it('a document of another form is refused, and never guessed at', async () => {
  const { store } = await written({ ...NEWER, v: 2 });
  const failed = await load(store, 'range', AT).catch((error) => error);
  expect(failed).toBeInstanceOf(HandoverError);
  expect(failed.code).toBe('content.corrupt');
});
