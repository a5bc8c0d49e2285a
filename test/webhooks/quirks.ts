import assert from 'node:assert/strict';
import * as commands from '../../src/admin/commands.ts';
import type { HubQuirks } from '../../src/testing/hub/quirks.ts';
import { wire } from './wire.ts';

type Say = (context: commands.CommandContext) => Promise<unknown>;
const START: Say = (context) => commands.start(context, 'callbacks', { ramp: false });
const SWITCH: Say = (context) => commands.switchOver(context, 'callbacks');
const REVERSE: Say = (context) => commands.reverse(context, 'callbacks');
const STRAIGHT: Say = (context) => commands.start(context, 'callbacks', { ramp: false, to: 'completed' });

export const QUIRKS: Readonly<Record<string, Partial<HubQuirks>>> = {
  'no quirk': {},
  'one try to verify': { verification: 'once' },
  'verified before the answer': { verification: 'synchronous' },
  'verified a minute later': { verifiesAfterMs: 60_000 },
  'silent about an unknown unsubscribe': { unknownUnsubscribe: 'silent' },
  'refuses an unknown unsubscribe': { unknownUnsubscribe: 'refused' },
  'old content at once': { sendsOldContent: true },
  'misses what is published while it verifies': { missesWhileVerifying: true, verifiesAfterMs: 5000 },
  'never sends again': { retries: 'never' },
  'sends only the latest again': { retries: 'latest' },
  'overtakes what failed': { overtakes: true },
  'takes 410 for a failure': { ignoresGone: true },
  'drops after three failures': { dropsAfterFailures: 3 },
  'signs with a refused secret': { signsWithRefusedSecret: true },
  'sends nothing that did not change': { suppressesUnchanged: true },
  'sends only new entries': { sendsOnlyNewEntries: true },
  'clamps the lease': { clampsLease: { leastSeconds: 300, mostSeconds: 3600 } },
  'signs by sha1': { signature: 'sha1' },
  'signs by sha512': { signature: 'sha512' },
  'of version 0.3': { wantsVerify: true },
  'refreshes by itself': { refreshesBeforeMs: 60_000, clampsLease: { leastSeconds: 300, mostSeconds: 300 } },
};

/** A hub with these quirks at once. */
export interface Combination {
  readonly name: string;
  readonly quirks: Partial<HubQuirks>;
}

/** Each pair once. Where both say something of one thing, the second does. */
export const PAIRS: readonly Combination[] = Object.entries(QUIRKS).flatMap(([one, first], i, all) =>
  all.slice(i + 1).map(([other, second]) => ({ name: `${one}; ${other}`, quirks: { ...first, ...second } })),
);

/** There, back, and there again while updates are published; throws unless each was applied once, and none is missing. */
export async function wholeJourney(quirks: Partial<HubQuirks>): Promise<void> {
  const w = await wire(quirks);
  try {
    await w.go(START, SWITCH, REVERSE);
    assert.equal(await w.state(), 'home');
    assert.deepEqual(w.callbacks(), ['/old']);
    await w.go(STRAIGHT);
    await w.settle();
    assert.equal(await w.state(), 'settled');
    assert.deepEqual(w.callbacks(), ['/new']);
    const numbers = Array.from({ length: w.published() }, (_, i) => i + 1);
    assert.deepEqual(
      w.applied.toSorted((a, b) => a - b),
      numbers,
    );
    assert.ok(w.published() > 10, `only ${w.published()} updates were published`);
    const { suspicious, unreadable } = w.receiving.counts;
    assert.deepEqual({ suspicious, unreadable }, { suspicious: 0, unreadable: 0 });
  } finally {
    await w.close();
  }
}
