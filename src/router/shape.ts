import type { Side } from '../../machines/moves.ts';
import type { Pair } from '../engine/pair.ts';
import { HandoverError } from '../errors.ts';
import type { Content } from '../record/content.ts';

/** The shape in which a caller sees records: the new one, or the old one for code that has not been changed yet. */
export type Shape = 'old' | 'new';

const shapeAt = (side: Side): Shape => (side === 'S' ? 'old' : 'new');

type Placed = Pick<Pair, 'rule'> & { readonly keys: Pick<Pair['keys'], 'S'> };

/** Content of one shape in the other. Throws `transform.forward`, `transform.backward`, `reverse.missing`. */
export function reshape({ rule, keys }: Placed, content: Content, from: Shape, to: Shape): Content {
  if (from === to) return content;
  if (to === 'new') return rule.forward(keys.S, content);
  if (rule.reversible) return rule.backward(keys.S, content);
  throw new HandoverError('reverse.missing', `${keys.S} is needed in its old shape, and there is no \`backward\`.`);
}

/** What stands at a side, as the caller sees it. */
export const seenAs = (pair: Placed, content: Content, at: Side, shape: Shape): Content =>
  reshape(pair, content, shapeAt(at), shape);

/** What the caller wrote, as it stands at a side. */
export const storedAt = (pair: Placed, content: Content, at: Side, shape: Shape): Content =>
  reshape(pair, content, shape, shapeAt(at));
