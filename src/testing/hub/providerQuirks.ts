/** How real providers of webhooks differ. */
export interface ProviderQuirks {
  /** `overlap`: any number of webhooks beside each other. `swap`: one URL for each app, which a request replaces. */
  readonly shape: 'overlap' | 'swap';
  /** So many of the changes to come are carried out, and the connection is destroyed in place of an answer. */
  readonly losesAnswers: number;
  /** What is lost that way comes to be only so many milliseconds later, when nobody may expect it any more. */
  readonly lostComeAfterMs: number;
  /** Changes are answered 403. */
  readonly refuses: boolean;
  /** A URL is replaced so many milliseconds after that was answered, with 202. */
  readonly swapsAfterMs: number;
  /** A failed delivery is tried again at the URL that it was made for, although that was replaced. */
  readonly repeatsAtFirstUrl: boolean;
  /** What is created is there twice, and the answer names the first only. */
  readonly createsTwice: boolean;
  /** Nobody looks at the Idempotency-Key: each attempt creates another webhook. */
  readonly ignoresKeys: boolean;
  /** What is listed is what there was so many milliseconds ago. */
  readonly listLagsMs: number;
  /** Deliveries are signed by the rules of Standard Webhooks, or not at all. */
  readonly signing: 'standard' | 'none';
  /** A failed delivery is tried again, or never, or the newest event in its place. */
  readonly retries: 'each' | 'never' | 'latest';
  /** A newer event does not wait for one whose delivery failed. */
  readonly overtakes: boolean;
}

export const NO_PROVIDER_QUIRKS: ProviderQuirks = {
  shape: 'overlap',
  losesAnswers: 0,
  lostComeAfterMs: 0,
  refuses: false,
  swapsAfterMs: 0,
  repeatsAtFirstUrl: false,
  createsTwice: false,
  ignoresKeys: false,
  listLagsMs: 0,
  signing: 'standard',
  retries: 'each',
  overtakes: false,
};
