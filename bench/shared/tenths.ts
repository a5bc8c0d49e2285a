import { median, rounded } from './compare.ts';

interface Passage {
  /** Milliseconds at which no tenth of the records had arrived, and one, up to ten. */
  readonly at: number[];
  readonly records: number;
}

/** How fast the first tenth of a home moves, and the last: whether what is emptied slows down. */
export class Tenths {
  readonly #passages = new Map<string, Passage[]>();

  /** To be told how many records have arrived, and first that the first page is about to be read. */
  begin(name: string, records: number): (arrived: number) => void {
    const passage: Passage = { at: [], records };
    this.#passages.set(name, [...(this.#passages.get(name) ?? []), passage]);
    return (arrived) => {
      while (passage.at.length <= 10 && arrived * 10 >= passage.at.length * records) passage.at.push(performance.now());
    };
  }

  forget(): void {
    this.#passages.clear();
  }

  rows() {
    return [...this.#passages].map(([name, passages]) => {
      const rate = (tenth: number) =>
        median(passages.map(({ at, records }) => (records * 100) / (at[tenth]! - at[tenth - 1]!)));
      const ratio = rounded(median(passages.map(({ at }) => (at[1]! - at[0]!) / (at[10]! - at[9]!))), 2);
      return { name, first: Math.round(rate(1)), last: Math.round(rate(10)), ratio };
    });
  }
}
