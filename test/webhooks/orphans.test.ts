import { afterEach, describe, expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { providerWire, type WireOptions } from './providerWire.ts';

type Say = (context: commands.CommandContext) => Promise<unknown>;
const START: Say = (context) => commands.start(context, 'callbacks', { ramp: false });
const SWITCH: Say = (context) => commands.switchOver(context, 'callbacks');
const REVERSE: Say = (context) => commands.reverse(context, 'callbacks');
const COMPLETE: Say = (context) => commands.complete(context, 'callbacks');

type Wire = Awaited<ReturnType<typeof providerWire>>;
let open: Wire | undefined;
afterEach(async () => {
  await open?.close();
  open = undefined;
});
const opened = async (options: Partial<WireOptions> = {}) => {
  open = await providerWire({ shape: 'overlap', keepOldMs: 0, ...options });
  return open;
};

async function allAppliedOnce(w: Wire): Promise<void> {
  await w.settle();
  const numbers = Array.from({ length: w.published() }, (_, i) => i + 1);
  expect(w.applied.toSorted((a, b) => a - b)).toEqual(numbers);
}

/** So much later, with a look by a worker every half minute. */
async function passing(w: Wire, ms: number): Promise<void> {
  for (const until = w.clock.now() + ms; w.clock.now() < until; ) {
    await w.clock.advance(30_000, () => w.provider.idle());
    await w.step();
  }
}
const others = async (w: Wire) => {
  const hooks = `${w.provider.url}/apps/shop/webhooks`;
  const body = JSON.stringify({ url: `${w.urls.old}/of-somebody-else` });
  await fetch(hooks, { method: 'POST', body });
};

describe('what a lost answer left behind', { timeout: 60_000 }, () => {
  it.each([
    ['is made twice by one request', { createsTwice: true }],
    ['is made by each attempt, where keys are ignored', { ignoresKeys: true, losesAnswers: 2 }],
    ['is listed late', { ignoresKeys: true, losesAnswers: 1, listLagsMs: 30_000 }],
  ])('%s: one is kept, the others are ended', async (_, quirks) => {
    const w = await opened();
    await others(w);
    w.set(quirks);
    await w.go(START);
    expect(w.callbacks().filter((path) => path === '/new').length).toBeGreaterThan(1);
    w.set({ createsTwice: false, ignoresKeys: false });
    await passing(w, 180_000);
    expect(w.callbacks().toSorted()).toEqual(['/new', '/old', '/old/of-somebody-else']);
    const { reference } = (await w.document())!.new;
    expect(w.provider.webhooks('shop').map(({ id }) => id)).toContain(reference);
    await w.go(SWITCH, COMPLETE);
    expect(w.callbacks().toSorted()).toEqual(['/new', '/old/of-somebody-else']);
    await allAppliedOnce(w);
  });

  it('and comes to be long after it was given up: it is ended at home, and nothing else is', async () => {
    const w = await opened();
    await others(w);
    w.set({ losesAnswers: 100, lostComeAfterMs: 3_600_000 });
    await START(w.context);
    await w.until('asked', async () => (await w.document())?.intent?.attempt === 2);
    await REVERSE(w.context);
    w.set({ losesAnswers: 0 });
    await w.rest();
    expect([await w.state(), w.callbacks().toSorted()]).toEqual(['home', ['/old', '/old/of-somebody-else']]);
    await w.clock.advance(3_600_000, () => w.provider.idle());
    expect(w.callbacks()).toContain('/new');
    await passing(w, 3_600_000);
    expect([await w.state(), w.callbacks().toSorted()]).toEqual(['home', ['/old', '/old/of-somebody-else']]);
    await allAppliedOnce(w);
  });

  it('is not looked for where it was never asked for: what somebody has at that URL is his', async () => {
    const w = await opened();
    await w.put('old');
    await w.go(START);
    await passing(w, 1_200_000);
    expect(w.callbacks().toSorted()).toEqual(['/new', '/old', '/old']);
    // The first answer was clear, so that is looked for no longer.
    expect((await w.document())!.look).toBeUndefined();
  });
});

describe('a secret that the provider makes', { timeout: 60_000 }, () => {
  it('is stored before anything is believed that it signs: until then deliveries are to come again', async () => {
    const w = await opened();
    w.set({ losesAnswers: 2, retries: 'each' });
    await START(w.context);
    await w.until('lost once', async () => w.callbacks().includes('/new'));
    const before = (await w.document())!.new;
    expect([before.secrets, before.awaitsSecret]).toEqual([[], true]);
    // Whoever knows the URL can post there, and must not be believed.
    expect((await w.post('new')).status).toBe(503);
    await w.rest();
    const { secrets, awaitsSecret } = (await w.document())!.new;
    expect([secrets, awaitsSecret]).toEqual([[expect.stringMatching(/^whsec_/)], undefined]);
    expect((await w.post('new')).status).toBe(401);
    await w.go(SWITCH, REVERSE);
    expect([await w.state(), w.callbacks()]).toEqual(['home', ['/old']]);
    await allAppliedOnce(w);
  });
});
