import type { Prepared } from './prepare.ts';

export interface Room {
  readonly mutations: number;
  readonly bytes: number;
  /** Entity groups of one transaction. */
  readonly groups: number;
}

/** Units in as few commits as have room for them. No commit names a key twice: the second would not see the first. */
export function batchesOf(units: readonly (readonly Prepared[])[], room: Room): (readonly Prepared[])[][] {
  const batches: (readonly Prepared[])[][] = [];
  let batch: (readonly Prepared[])[] = [];
  let count = 0;
  let bytes = 0;
  let groups = new Set<string>();
  let ids = new Set<string>();
  for (const unit of units) {
    const size = unit.reduce((sum, each) => sum + each.bytes, 0);
    const more = new Set(unit.map(({ group }) => group).filter((group) => !groups.has(group))).size;
    const fits =
      count + unit.length <= room.mutations &&
      bytes + size <= room.bytes &&
      groups.size + more <= room.groups &&
      !unit.some(({ id }) => ids.has(id));
    if (!fits && batch.length > 0) {
      batches.push(batch);
      [batch, count, bytes, groups, ids] = [[], 0, 0, new Set(), new Set()];
    }
    batch.push(unit);
    count += unit.length;
    bytes += size;
    for (const { group, id } of unit) {
      groups.add(group);
      ids.add(id);
    }
  }
  if (batch.length > 0) batches.push(batch);
  return batches;
}

/** Answers in order, at most `width` at a time. */
export async function inParallel<T, R>(all: readonly T[], width: number, work: (each: T) => Promise<R>): Promise<R[]> {
  const answers = new Array<R>(all.length);
  let next = 0;
  const lane = async () => {
    while (next < all.length) {
      const i = next++;
      answers[i] = await work(all[i]!);
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, all.length) }, lane));
  return answers;
}
