import { KINDS, type Kind, recordAt } from './records.ts';

/** What a page shows: the newest few of each kind, newest first. */
const SHOWN = 10;

/**
 * Whose is what, in the order in which it was saved: an index that the application had before, and keeps. It says which
 * records a user has, and nothing of where they are.
 */
export class Shelves {
  readonly #byUser = new Map<string, number[]>();

  constructor(records: number) {
    for (let n = 0; n < records; n++) {
      const { user } = recordAt(n);
      const shelf = this.#byUser.get(user);
      if (shelf) shelf.push(n);
      else this.#byUser.set(user, [n]);
    }
  }

  get users(): readonly string[] {
    return [...this.#byUser.keys()];
  }

  /** Who has saved the most. */
  get busiest(): string {
    return this.users.reduce((most, user) => (this.count(user) > this.count(most) ? user : most));
  }

  has(user: string): boolean {
    return this.#byUser.has(user);
  }

  /** How many records of any kind. */
  count(user: string): number {
    return this.#byUser.get(user)?.length ?? 0;
  }

  /** The numbers of what the user's page shows. */
  shown(user: string): Readonly<Record<Kind, readonly number[]>> {
    const newest: Record<Kind, number[]> = { Feed: [], Article: [], Note: [] };
    for (const n of this.#byUser.get(user)?.toReversed() ?? []) {
      const list = newest[recordAt(n).kind];
      if (list.length < SHOWN) list.push(n);
      if (KINDS.every((kind) => newest[kind].length === SHOWN)) break;
    }
    return newest;
  }
}
