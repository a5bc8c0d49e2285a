import { expect } from 'vitest';
import { Content } from '../../src/record/content.ts';
import { Key } from '../../src/record/key.ts';

/**
 * Makes `toEqual` look into keys and contents. Their state is private, and without this any two of them are equal to it.
 * Call it at the head of a test file that compares things which hold them.
 */
export function compareKeysAndContents(): void {
  expect.addEqualityTesters([
    (a, b) => (a instanceof Key || b instanceof Key ? a instanceof Key && b instanceof Key && a.equals(b) : undefined),
    (a, b) =>
      a instanceof Content || b instanceof Content
        ? a instanceof Content && b instanceof Content && a.equals(b)
        : undefined,
  ]);
}
