import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Content } from '../../src/record/content.ts';
import { Key } from '../../src/record/key.ts';
import { decodeSlot, encodeSlot, type Slot } from '../../src/record/slot.ts';
import { show } from './arbitraries.ts';

interface Stored {
  readonly contents: readonly { about: string; hex: string; fingerprint: string; says: string }[];
  readonly slots: readonly { about: string; hex: string; slot: Slot }[];
  readonly keys: readonly { text: string; hex: string }[];
}

/** What earlier versions stored is never rewritten here: a failure means that somebody's data no longer loads. */
const stored = (name: string): Stored =>
  JSON.parse(readFileSync(new URL(`./fixtures/${name}.json`, import.meta.url), 'utf8')) as Stored;

describe.each(['format-1'])('what was stored by %s', (name) => {
  const { contents, slots, keys } = stored(name);

  it.each(contents)('content with $about still loads, with the same fingerprint', ({ hex, fingerprint, says }) => {
    const content = Content.fromBytes(Buffer.from(hex, 'hex'));
    expect(show(content.properties)).toBe(says);
    expect(content.fingerprint).toBe(fingerprint);
  });

  it.each(contents)('content with $about is still stored the same: shadows stay fresh across an upgrade', ({ hex }) => {
    const { properties } = Content.fromBytes(Buffer.from(hex, 'hex'));
    expect(Content.of(properties).bytes.toString('hex')).toBe(hex);
  });

  it.each(slots)('the slot of $about still loads', ({ hex, slot }) => {
    const text = Buffer.from(hex, 'hex').toString('utf8');
    expect(decodeSlot(text)).toEqual(slot);
    expect(encodeSlot(slot)).toBe(text);
  });

  it.each(keys)('the key $text is still found under the same bytes', ({ text, hex }) => {
    expect(Key.fromBytes(Buffer.from(hex, 'hex')).toString()).toBe(text);
    expect(Key.parse(text).bytes.toString('hex')).toBe(hex);
  });
});
