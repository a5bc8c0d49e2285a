import { Choices } from './choices.ts';

/** How many runs a search for a simpler failure may take. */
const MOST_RUNS = 1_500;

/**
 * A simpler list of choices that fails in the same way, if there is one: shorter, or with more plain answers in it. `fails`
 * runs a list and says whether it does.
 */
export async function shrink(
  given: readonly number[],
  fails: (choices: Choices) => Promise<boolean>,
): Promise<readonly number[]> {
  let best = given;
  let runs = 0;
  const attempt = async (numbers: readonly number[]): Promise<boolean> => {
    if (runs >= MOST_RUNS) return false;
    runs++;
    const choices = Choices.replayed(numbers);
    if (!(await fails(choices))) return false;
    // What it did take, in bounds; plain answers at the end come by themselves.
    const taken = trimmed(choices.given);
    if (weightOf(taken) >= weightOf(best)) return false;
    best = taken;
    return true;
  };
  for (let before = Number.POSITIVE_INFINITY; weightOf(best) < before && runs < MOST_RUNS; ) {
    before = weightOf(best);
    for (let size = best.length >> 1; size >= 1; size >>= 1) {
      for (let from = 0; from < best.length; ) {
        const head = best.slice(0, from);
        const tail = best.slice(from + size);
        const isPlain = best.slice(from, from + size).every((number) => number === 0);
        // A block that was taken out leaves the next one in its place.
        if (await attempt([...head, ...tail])) continue;
        if (!isPlain) await attempt([...head, ...Array<number>(size).fill(0), ...tail]);
        from += size;
      }
    }
  }
  return best;
}

const trimmed = (numbers: readonly number[]): readonly number[] =>
  numbers.slice(0, numbers.findLastIndex((number) => number !== 0) + 1);

/** An answer that is not plain weighs more than any number of plain ones. */
const weightOf = (numbers: readonly number[]): number =>
  numbers.reduce((sum, number) => sum + (number === 0 ? 1 : 10_000), 0);
