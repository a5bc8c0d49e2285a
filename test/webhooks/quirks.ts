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
  'posts again where a redirect points': { redirects: 'post' },
  'only asks where a redirect points': { redirects: 'get' },
  'refuses new subscriptions for a while': { refusesNew: true },
  'takes 410 for a failure': { ignoresGone: true },
  'drops after three failures': { dropsAfterFailures: 3 },
  'signs with a refused secret': {
    signsWithRefusedSecret: true,
    clampsLease: { leastSeconds: 300, mostSeconds: 3600 },
  },
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

/**
 * There, back, and there again while updates are published and some deliveries fail on either URL. Throws unless each
 * update that was answered 2xx, or that the topic still said when it was fetched, was applied once; where nothing that
 * failed is lost at the hub, those are all.
 */
export async function wholeJourney(quirks: Partial<HubQuirks>): Promise<void> {
  const w = await wire(quirks);
  try {
    await w.go(START);
    if (quirks.dropsAfterFailures) await dropped(w, quirks.dropsAfterFailures);
    await w.go(SWITCH, REVERSE);
    assert.equal(await w.state(), 'home');
    assert.deepEqual(w.callbacks(), ['/old']);
    await w.go(STRAIGHT);
    await w.settle();
    assert.equal(await w.state(), 'settled');
    assert.deepEqual(w.callbacks(), ['/new']);
    const owed = new Set([...w.troubles.accepted, ...w.fetched]);
    assert.deepEqual(sorted(w.applied), sorted(owed));
    const { retries, sendsOnlyNewEntries } = w.hub.quirks;
    // A feed that is delivered whole brings what failed before; a fetch, what was published last.
    if (retries === 'each' || !sendsOnlyNewEntries)
      assert.deepEqual(
        sorted(owed),
        Array.from({ length: w.published() }, (_, i) => i + 1),
      );
    assert.ok(w.published() > 10, `only ${w.published()} updates were published`);
    const { suspicious, unreadable } = w.receiving.counts;
    assert.deepEqual({ suspicious, unreadable }, { suspicious: 0, unreadable: 0 });
    tried(w, quirks);
  } finally {
    await w.close();
  }
}

type Wire = Awaited<ReturnType<typeof wire>>;

const sorted = (numbers: Iterable<number>): number[] => [...numbers].toSorted((a, b) => a - b);

/** The hub gives up the old URL while both are there. */
async function dropped({ troubles, callbacks, linger }: Wire, failures: number): Promise<void> {
  troubles.outage('/old', failures);
  for (let i = 0; i < 60 && callbacks().includes('/old'); i++) await linger(2000);
  assert.deepEqual(callbacks(), ['/new'], 'the hub did not drop the old URL');
}

/** A quirk that nothing brought out would prove nothing. */
function tried({ hub, troubles }: Wire, asked: Partial<HubQuirks>): void {
  const { quirks, log } = hub;
  const paths = new Set(troubles.refused.map(({ path }) => path));
  assert.deepEqual([...paths].toSorted(), ['/new', '/old'], 'no delivery failed on one of the URLs');
  const again = log.deliveries.filter(({ attempt }) => attempt > 1);
  // What is redirected is no failure where the redirect is followed; an outage is.
  const fails = quirks.redirects !== 'post' || asked.dropsAfterFailures !== undefined;
  assert.equal(again.length > 0, quirks.retries !== 'never' && fails, 'deliveries sent again');
  if (quirks.redirects !== 'failure') assert.ok(log.deliveries.some(({ url }) => url.endsWith('?moved')));
  else if (quirks.ignoresGone) assert.ok(troubles.refused.some(({ status }) => status === 410));
  if (quirks.retries === 'each' && quirks.overtakes && quirks.redirects === 'failure')
    assert.ok(
      log.deliveries.some(({ url, number }, i, all) => all.slice(0, i).some((e) => e.url === url && e.number > number)),
      'nothing was overtaken',
    );
  const unserved = log.asked.filter(({ status }) => status === 503).map(({ callback }) => new URL(callback).pathname);
  if (asked.refusesNew) assert.deepEqual([...new Set(unserved)].toSorted(), ['/new', '/old'], 'subscriptions refused');
  if (quirks.signsWithRefusedSecret) assert.ok(troubles.renewalsRefused > 0, 'no renewal was refused');
}
