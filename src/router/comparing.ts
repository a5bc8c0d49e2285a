import type { Clock } from '../clock.ts';
import { campaignAt, versionUnder } from '../engine/campaigns.ts';
import { documentKey, load, save } from '../engine/documents.ts';
import { type Pair, roleOf, stateOf } from '../engine/pair.ts';
import { LIMITS } from '../limits.ts';
import { Content } from '../record/content.ts';
import { toPlain } from '../record/plain.ts';
import type { Store } from '../store/store.ts';
import type { Mismatch, RouterEvents } from './events.ts';
import type { Look, Tools } from './look.ts';

/**
 * Shadow reads: now and then a read looks at the copy beside the record, too, and compares it with what the transform
 * makes of the record. Both were read anyway, so it costs a transform and no round trip.
 */
export class Comparer {
  readonly #tools: Tools;
  readonly #share: number;
  readonly #events: RouterEvents;

  constructor(tools: Tools, share: number, events: RouterEvents) {
    this.#tools = tools;
    this.#share = share;
    this.#events = events;
  }

  async afterRead(found: Look): Promise<void> {
    const { store, clock } = this.#tools;
    if (this.#share <= 0 || chanceOf(clock) >= this.#share) return;
    const compared = bothSayings(found);
    if (!compared || compared.expected.equals(compared.found)) return;
    // One of another version than the campaign's says what that version says, until it is made anew.
    const campaign = await campaignAt(store, compared.campaign);
    if (campaign && versionUnder(campaign) !== compared.version) return;
    const mismatch: Mismatch = {
      at: clock.now(),
      from: found.keys.S.toString(),
      into: found.keys.T.toString(),
      expected: shown(compared.expected),
      found: shown(compared.found),
    };
    this.#events.mismatched?.(mismatch);
    await keep(store, compared.campaign, mismatch);
  }
}

/** From 0 up to 1. */
const chanceOf = (clock: Clock): number => Number.parseInt(clock.id(4), 16) / 2 ** 32;

interface Sayings {
  readonly expected: Content;
  readonly found: Content;
  readonly campaign: string;
  readonly version: number | undefined;
}

/** What the copy should say and what it says, where its fingerprint is that of the truth beside it. */
function bothSayings(pair: Pair): Sayings | undefined {
  const { rule, keys, S, T } = pair;
  const { campaign, version } = (roleOf(S) === 'H' ? S : T)?.slot ?? { campaign: '' };
  const state = stateOf({ S, T, version });
  if (state === 'copied') {
    return { expected: rule.forward(keys.S, S!.content), found: T!.content, campaign, version };
  }
  // Without a way back the old side was kept as it was: nothing can be made of the new one to compare it with.
  if (state !== 'reversible' || !rule.reversible) return undefined;
  return { expected: rule.backward(keys.S, T!.content), found: S!.content, campaign, version };
}

/** Counts it, and keeps the last few with both values. */
async function keep(store: Store, campaign: string, mismatch: Mismatch): Promise<void> {
  const key = documentKey('mismatch', campaign, 'last');
  for (let attempt = 0; attempt < LIMITS.controlAttempts; attempt++) {
    const stored = await load(store, 'mismatch', key);
    const { count = 0, last = [] } = stored?.value ?? {};
    const value = { v: 1 as const, count: count + 1, last: [...last, mismatch].slice(-LIMITS.mismatches) };
    if ((await save<'mismatch'>(store, key, value, stored?.version)).status === 'applied') return;
  }
}

/** From canonical bytes, so that both have their properties in one order. */
function shown({ bytes }: Content): string {
  const text = JSON.stringify(toPlain(Content.fromBytes(bytes).properties), (_, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
  return text.slice(0, LIMITS.mismatchCharacters);
}
