/** What a hosted store charges for entity operations and for what it keeps. */
export interface PriceList {
  /** Whose list it is, for which region, and of when: prices change. */
  readonly list: string;
  /** As `USD`. */
  readonly currency: string;
  /** For 100,000 entities read. */
  readonly reads: number;
  /** For 100,000 entities written. */
  readonly writes: number;
  /** For 100,000 entities deleted. */
  readonly deletes: number;
  /** For one GiB (2^30 bytes) kept for a month. */
  readonly storage: number;
}

/**
 * List prices by location. Index writes are not charged apart, and small operations, of which the engine makes none, are
 * free. A single region costs less, about half of it in some: `prices` in `handover.config.ts` says what holds for you.
 */
export const PRICE_LISTS = {
  nam5: {
    list: 'Cloud Datastore, US multi-region nam5, 2020-02',
    currency: 'USD',
    reads: 0.06,
    writes: 0.18,
    deletes: 0.02,
    storage: 0.18,
  },
} as const satisfies Record<string, PriceList>;

/** What a project says of its own prices; the rest is as the store declares it, or costs nothing. */
export type OwnPrices = Partial<PriceList>;

/** The prices that hold: none where neither the store nor the project has any. */
export function pricesOf(declared: PriceList | undefined, own: OwnPrices | undefined): PriceList | undefined {
  if (!own) return declared;
  const list = declared ? `${declared.list}, and the project's own prices` : "the project's own prices";
  return { currency: 'USD', reads: 0, writes: 0, deletes: 0, storage: 0, ...declared, list, ...own };
}
