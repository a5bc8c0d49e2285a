import { afterEach, describe, expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import type { HubQuirks } from '../../src/testing/hub/quirks.ts';
import { wire } from './wire.ts';

type Say = (context: commands.CommandContext) => Promise<unknown>;
const START: Say = (context) => commands.start(context, 'callbacks', { ramp: false });
const SWITCH: Say = (context) => commands.switchOver(context, 'callbacks');
const REVERSE: Say = (context) => commands.reverse(context, 'callbacks');
const STRAIGHT: Say = (context) => commands.start(context, 'callbacks', { ramp: false, to: 'completed' });

const QUIRKS: Readonly<Record<string, Partial<HubQuirks>>> = {
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

let open: Awaited<ReturnType<typeof wire>> | undefined;
afterEach(async () => {
  await open?.close();
  open = undefined;
});

async function wholeJourney(quirks: Partial<HubQuirks>): Promise<void> {
  const w = await wire(quirks);
  open = w;
  await w.go(START, SWITCH, REVERSE);
  expect(await w.state()).toBe('home');
  expect(w.callbacks()).toEqual(['/old']);
  await w.go(STRAIGHT);
  await w.settle();
  expect(await w.state()).toBe('settled');
  expect(w.callbacks()).toEqual(['/new']);
  const numbers = Array.from({ length: w.published() }, (_, i) => i + 1);
  expect(w.applied.toSorted((a, b) => a - b)).toEqual(numbers);
  expect(w.published()).toBeGreaterThan(10);
  expect(w.receiving.counts).toMatchObject({ suspicious: 0, unreadable: 0 });
}

describe('there and back and there again, every number applied once and none missing, by a hub that', () => {
  it.each(Object.keys(QUIRKS))('is: %s', { timeout: 60_000 }, (name) => wholeJourney(QUIRKS[name]!));

  // One pair of ten: all of them take minutes.
  const names = Object.keys(QUIRKS);
  const pairs = names.flatMap((one, i) => names.slice(i + 1).map((other) => [one, other] as const));
  it.each(pairs.filter((_, i) => i % 10 === 7))('is both: %s; %s', { timeout: 60_000 }, (one, other) =>
    wholeJourney({ ...QUIRKS[one], ...QUIRKS[other] }),
  );
});
