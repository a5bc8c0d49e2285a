import { expect, it } from 'vitest';
import { indexEntriesOf } from '../../src/engine/indexEntries.ts';
import { Content } from '../../src/record/content.ts';
import type { Value } from '../../src/record/value.ts';

const text = (value: string): Value => ({ type: 'string', value });
const without = (value: Value): Value => ({ ...value, unindexed: true });
const entriesOf = (properties: Record<string, Value>) =>
  indexEntriesOf(Content.of(new Map(Object.entries(properties))));

it.each<[string, Record<string, Value>, number]>([
  ['nothing but its key', {}, 1],
  ['two a value', { a: text('x'), b: { type: 'null' } }, 1 + 4],
  ['none for what is excluded', { a: without(text('x')), b: text('y') }, 1 + 2],
  ['two an element', { a: { type: 'array', values: [text('x'), text('y'), without(text('z'))] } }, 1 + 4],
  ['none for an empty array', { a: { type: 'array', values: [] } }, 1],
  [
    'two for each property of an embedded entity, at any depth',
    {
      a: {
        type: 'entity',
        properties: new Map<string, Value>([
          ['b', text('x')],
          ['c', { type: 'array', values: [{ type: 'entity', properties: new Map([['d', text('y')]]) }] }],
        ]),
      },
    },
    1 + 4,
  ],
  [
    'none for an embedded entity that is excluded',
    { a: without({ type: 'entity', properties: new Map([['b', text('x')]]) }) },
    1,
  ],
])('an entity has %s', (_, properties, entries) => {
  expect(entriesOf(properties)).toBe(entries);
});
