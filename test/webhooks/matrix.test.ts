import { describe, it } from 'vitest';
import { PAIRS, QUIRKS, wholeJourney } from './quirks.ts';

describe('there and back and there again, every number applied once and none missing, by a hub that', () => {
  it.each(Object.entries(QUIRKS))('is: %s', { timeout: 60_000 }, (_, quirks) => wholeJourney(quirks));

  // One pair of ninety: `npm run quirks` takes all of them, in minutes.
  it.each(PAIRS.filter((_, i) => i % 90 === 7))('is both: $name', { timeout: 60_000 }, ({ quirks }) =>
    wholeJourney(quirks),
  );
});
