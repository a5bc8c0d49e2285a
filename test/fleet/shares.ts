import { decodeSlot } from '../../src/record/slot.ts';
import type { Store } from '../../src/store/store.ts';
import { newKey } from '../kill/feeds.ts';

const PAGE = 500;

/** How many of the moves in the journals of all records each place has made. */
export async function movesByPlace(
  store: Store,
  records: number,
  placeOf: ReadonlyMap<string, number>,
  places: number,
): Promise<readonly number[]> {
  const moves = Array.from({ length: places }, () => 0);
  for (let first = 1; first <= records; first += PAGE) {
    const keys = Array.from({ length: Math.min(PAGE, records - first + 1) }, (_, i) => newKey(first + i));
    for (const entity of await store.read(keys)) {
      for (const { by } of entity?.slot === undefined ? [] : decodeSlot(entity.slot).journal) {
        const place = placeOf.get(by);
        if (place !== undefined) moves[place]!++;
      }
    }
  }
  return moves;
}
