import { afterEach, describe, expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { records } from '../../src/admin/records.ts';
import type { ProviderQuirks } from '../../src/testing/hub/providerQuirks.ts';
import { providerWire, type WireOptions } from './providerWire.ts';

type Say = (context: commands.CommandContext) => Promise<unknown>;
const START: Say = (context) => commands.start(context, 'callbacks', { ramp: false });
const SWITCH: Say = (context) => commands.switchOver(context, 'callbacks');
const REVERSE: Say = (context) => commands.reverse(context, 'callbacks');
const COMPLETE: Say = (context) => commands.complete(context, 'callbacks');
const STRAIGHT: Say = (context) => commands.start(context, 'callbacks', { ramp: false, to: 'completed' });

type Wire = Awaited<ReturnType<typeof providerWire>>;
let open: Wire | undefined;
afterEach(async () => {
  await open?.close();
  open = undefined;
});
const opened = async (options: Partial<WireOptions> = {}) => {
  open = await providerWire({ shape: 'swap', ...options });
  return open;
};

async function allAppliedOnce(w: Wire): Promise<void> {
  await w.settle();
  const numbers = Array.from({ length: w.published() }, (_, i) => i + 1);
  expect(w.applied.toSorted((a, b) => a - b)).toEqual(numbers);
  expect(w.published()).toBeGreaterThan(2);
}

/** The changes that the provider was asked for. */
const changes = ({ provider }: Wire) => provider.log.calls.filter(({ method }) => method === 'PUT').length - 1;

describe('the one URL of an app', () => {
  it('is live beside the old one, then replaced, and the old one is gone when its time is over', async () => {
    const w = await opened();
    await w.go(START);
    expect([await w.state(), w.callbacks(), changes(w)]).toEqual(['live', ['/old'], 0]);
    await w.go(SWITCH);
    expect([await w.state(), w.callbacks(), changes(w)]).toEqual(['switched', ['/new'], 1]);
    const { switchedAt } = (await w.document())!;
    await COMPLETE(w.context);
    for (let i = 0; i < 20; i++) await w.step();
    // Signed or not: it is still somebody's.
    expect([await w.state(), (await w.post('old')).status]).toEqual(['switched', 401]);
    await w.rest();
    expect(w.clock.now() - switchedAt!).toBeGreaterThanOrEqual(120_000);
    expect([await w.state(), w.callbacks(), (await w.post('old')).status]).toEqual(['settled', ['/new'], 410]);
    await allAppliedOnce(w);
  });

  it('is kept as long as its protocol asks for, unless the author says how long', async () => {
    const { keepOldMs: _, ...bare } = { shape: 'swap' as const, keepOldMs: 0 };
    const { subscription } = await import('../../src/define/subscription.ts');
    const w = await opened();
    const [rule] = w.context.migrations[0]!.subscriptions;
    const terms = () => undefined;
    const of = (protocol: 'slack' | 'standardwebhooks') =>
      subscription({ of: 'Shop', hub: { ...rule!.hub, ...bare }, protocol, terms }).keepOldMs / 86_400_000;
    expect([of('slack'), of('standardwebhooks')]).toEqual([1, 5]);
  });

  it('that is not served is never given to the provider, and listed until it is', async () => {
    const w = await opened();
    w.down.add('/new');
    await w.go(START);
    expect([await w.state(), w.callbacks(), changes(w)]).toEqual(['home', ['/old'], 0]);
    const [row] = (await records(w.context, 'callbacks', { quarantined: true })).records;
    expect(row).toMatchObject({ code: 'subscription.refused', message: expect.stringContaining('503') });
    w.down.clear();
    await commands.retry(w.context, 'callbacks', {});
    await w.rest();
    await w.go(SWITCH, COMPLETE);
    expect([await w.state(), w.callbacks()]).toEqual(['settled', ['/new']]);
    await allAppliedOnce(w);
  });

  it('that somebody put back is none, however quiet the new one is: the old one is not given up', async () => {
    const w = await opened({ quietMs: 60_000, keepOldMs: 0 });
    await w.go(START);
    w.publishing(false);
    await SWITCH(w.context);
    await w.until('draining', async () => (await w.state()) === 'draining');
    await w.put('old');
    w.publishing(true);
    const until = w.clock.now() + 300_000;
    await w.until('five minutes later', () => w.clock.now() > until);
    expect([await w.state(), w.callbacks()]).toEqual(['draining', ['/old']]);
    await w.put('new');
    await w.rest();
    expect([await w.state(), w.callbacks()]).toEqual(['switched', ['/new']]);
    await allAppliedOnce(w);
  });

  it('that somebody put back after the switch is put in its place again before the old one is gone', async () => {
    const w = await opened();
    await w.go(START, SWITCH);
    await w.put('old');
    await w.go(COMPLETE);
    expect([await w.state(), w.callbacks()]).toEqual(['settled', ['/new']]);
    await allAppliedOnce(w);
  });
});

/** How a subscription is held in a state, and let go again. */
const HOLDS: Readonly<
  Record<string, readonly [hold: (w: Wire) => void, way: readonly Say[], release: (w: Wire) => void]>
> = {
  probing: [(w) => w.down.add('/new'), [START], (w) => w.down.clear()],
  live: [() => {}, [START], () => {}],
  swapping: [(w) => w.set({ losesAnswers: 1_000 }), [STRAIGHT], (w) => w.set({ losesAnswers: 0 })],
  confirming: [(w) => w.set({ swapsAfterMs: 300_000 }), [STRAIGHT], (w) => w.set({ swapsAfterMs: 0 })],
  doubtful: [(w) => w.set({ refuses: true }), [STRAIGHT], (w) => w.set({ refuses: false })],
  draining: [(w) => w.publishing(false), [STRAIGHT], (w) => w.publishing(true)],
  switched: [() => {}, [STRAIGHT], () => {}],
};
const BACK: typeof HOLDS = {
  restoring: [(w) => w.set({ losesAnswers: 1_000 }), [REVERSE], (w) => w.set({ losesAnswers: 0 })],
  reconfirming: [(w) => w.set({ swapsAfterMs: 300_000 }), [REVERSE], (w) => w.set({ swapsAfterMs: 0 })],
  returning: [(w) => w.publishing(false), [REVERSE], (w) => w.publishing(true)],
};

async function heldAt(w: Wire, state: string, [hold, way, release]: (typeof HOLDS)[string]): Promise<void> {
  hold(w);
  for (const say of way) await say(w.context);
  await w.until(state, async () => (await w.state()) === state);
  // Another process finds what this one left.
  w.another();
  await w.step();
  release(w);
}

describe('an operator who changes his mind', { timeout: 60_000 }, () => {
  it.each(Object.keys(HOLDS))('goes home from %s, and all the way after that', async (state) => {
    const w = await opened();
    for (let i = 0; i < 5; i++) await w.context.clock.sleep(500);
    await heldAt(w, state, HOLDS[state]!);
    await REVERSE(w.context);
    if (state === 'doubtful') await commands.retry(w.context, 'callbacks', {});
    await w.rest();
    expect([await w.state(), w.callbacks()]).toEqual(['home', ['/old']]);
    await w.go(STRAIGHT);
    expect([await w.state(), w.callbacks()]).toEqual(['settled', ['/new']]);
    await allAppliedOnce(w);
  });

  it.each(Object.keys(BACK))('goes on from %s', async (state) => {
    const w = await opened();
    await w.go(START, SWITCH);
    await heldAt(w, state, BACK[state]!);
    await w.go(STRAIGHT);
    expect([await w.state(), w.callbacks()]).toEqual(['settled', ['/new']]);
    await allAppliedOnce(w);
  });
});

const QUIRKS: Readonly<Record<string, Partial<ProviderQuirks>>> = {
  'no quirk': {},
  'every other answer lost': { losesAnswers: 3 },
  'a lost request that comes to be a minute later': { losesAnswers: 1, lostComeAfterMs: 60_000 },
  'late, and says so': { swapsAfterMs: 20_000 },
  'without a look at keys': { ignoresKeys: true, losesAnswers: 2 },
  'a list that is behind': { listLagsMs: 10_000 },
  'repeats at the old URL': { repeatsAtFirstUrl: true },
  'never sends again': { retries: 'never' },
  'overtakes what failed': { overtakes: true },
};

describe('there and back and there again, every number applied once and none missing, by a provider with', () => {
  it.each(Object.keys(QUIRKS))('%s', { timeout: 60_000 }, async (name) => {
    const w = await opened();
    w.set(QUIRKS[name]!);
    await w.go(START, SWITCH, REVERSE);
    expect([await w.state(), w.callbacks()]).toEqual(['home', ['/old']]);
    await w.go(STRAIGHT);
    await allAppliedOnce(w);
    expect([await w.state(), w.callbacks()]).toEqual(['settled', ['/new']]);
  });
});

describe('a request that comes to be long after it was given up', () => {
  it('is undone at home', async () => {
    const w = await opened();
    await w.go(START);
    w.set({ losesAnswers: 1, lostComeAfterMs: 400_000 });
    await SWITCH(w.context);
    await w.until('asked', async () => changes(w) === 1);
    await w.go(REVERSE);
    expect(await w.state()).toBe('home');
    // It comes to be, and the worker's next looks find it.
    await w.clock.advance(400_000, () => w.provider.idle());
    expect(w.callbacks()).toEqual(['/new']);
    await w.until('home again', async () => w.callbacks()[0] === '/old' && (await w.state()) === 'home');
    await allAppliedOnce(w);
  });
});
