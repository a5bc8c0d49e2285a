import { HandoverError } from '../errors.ts';
import type { Content } from '../record/content.ts';
import type { Key } from '../record/key.ts';
import type { Look } from './look.ts';
import { reshape, type Shape } from './shape.ts';

/** Addresses hold a record's new key, so no write may change what that is. Throws `record.misplaced`. */
export function checkPlace(found: Look, before: Content, after: Content, shape: Shape): void {
  const target = newKeyOf(found, after, shape);
  if (!target || target.equals(found.keys.T)) return;
  // Its content may have been changed by other hands: then it stays where it is paired, as it did before.
  if (newKeyOf(found, before, shape)?.equals(target)) return;
  throw misplaced(found);
}

/** Where content belongs; undefined where nothing can tell, so that nothing will ever bring it there. */
function newKeyOf(found: Look, content: Content, shape: Shape): Key | undefined {
  try {
    return found.rule.targetOf(found.keys.S, reshape(found, content, shape, 'old'));
  } catch (error) {
    if (error instanceof HandoverError) return undefined;
    throw error;
  }
}

export const misplaced = ({ keys: { S, T } }: Look) =>
  new HandoverError('record.misplaced', `${S} would not belong to ${T} any more.`, { key: S.toString() });
