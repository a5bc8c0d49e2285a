import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Content, EMPTY } from '../../src/record/content.ts';
import { anyProperties, reversed, show } from './arbitraries.ts';
import { thrownBy } from './throws.ts';

describe('content', () => {
  it('is one thing in two forms', () => {
    fc.assert(
      fc.property(anyProperties, (properties) => {
        const content = Content.of(properties);
        const stored = Content.fromBytes(Buffer.from(content.bytes));
        expect(show(stored.properties)).toBe(show(properties));
        expect(stored.fingerprint).toBe(content.fingerprint);
        expect(stored.equals(content)).toBe(true);
      }),
    );
  });

  it('has the same fingerprint in whatever order its properties came', () => {
    fc.assert(
      fc.property(anyProperties, (properties) => {
        expect(Content.of(reversed(properties)).fingerprint).toBe(Content.of(properties).fingerprint);
      }),
    );
  });

  it('has another fingerprint when anything differs: what makes a shadow stale is seen', () => {
    fc.assert(
      fc.property(anyProperties, anyProperties, (a, b) => {
        const same = show(a) === show(b);
        expect(Content.of(a).fingerprint === Content.of(b).fingerprint).toBe(same);
        expect(Content.of(a).equals(Content.of(b))).toBe(same);
      }),
    );
  });

  it('fits its fingerprint into a slot without quoting', () => {
    expect(EMPTY.fingerprint).toMatch(/^[\w-]{22}$/);
  });

  it('that is corrupt can still be moved as it is, and fails only when it is looked into', () => {
    const content = Content.fromBytes(Buffer.from('01ff', 'hex'));
    expect(content.fingerprint).toHaveLength(22);
    thrownBy('content.corrupt', () => content.properties);
    thrownBy('content.corrupt', () => content.properties);
  });
});
