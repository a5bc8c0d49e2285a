import { setup } from 'xstate';
import type { SubscriptionEffect } from './moves.ts';
import type { SubscriptionEvent } from './subscription.ts';

/**
 * The same journey where the provider has one URL, and a request replaces it: no two stand side by side, so nothing that
 * comes in can prove the new URL before it counts. What can be proved is that it is served: a request of our own goes to it,
 * and only what answers by the same store makes it `live`. The old URL answers all the while, until it is settled.
 *
 * Whether a request that was refused or never answered had an effect, nobody knows when another was lost before it. So there
 * is one state for all of that, `doubtful`, and every way out of it is to ask once more: a swap made twice is harmless.
 */
const step = (target: string, { type, ...params }: SubscriptionEffect) => ({ target, actions: { type, params } });
const probe = step('probing', { type: 'ask', mode: 'probe', side: 'new' });
const swap = step('swapping', { type: 'ask', mode: 'subscribe', side: 'new' });
const restore = step('restoring', { type: 'ask', mode: 'subscribe', side: 'old' });

type Step = ReturnType<typeof step>;
const onward = (to: Step) => ({ 'want.copied': to, 'want.switched': to, 'want.completed': to });
const away = (to: Step) => ({ 'want.switched': to, 'want.completed': to });
const back = (to: Step) => ({ 'want.home': to, 'want.copied': to });

const states = {
  // A request of an earlier attempt may arrive when nobody waits for it any more: then it is undone.
  home: { on: { ...onward(probe), 'hub.strayed': restore } },

  // ------------------------------------------------------------ the new URL is served
  probing: {
    on: { 'url.answered': 'live', 'hub.refused': 'home', 'deadline.passed': probe, 'want.home': 'home' },
  },
  live: { on: { 'want.home': 'home', ...away(swap), 'hub.strayed': restore } },

  // ------------------------------------------------------------ and takes the old one's place
  swapping: {
    on: {
      'hub.accepted': 'confirming',
      'hub.verified': 'draining',
      'hub.refused': 'doubtful',
      'deadline.passed': swap,
      ...back(restore),
    },
  },
  confirming: {
    on: { 'hub.verified': 'draining', 'hub.refused': 'doubtful', 'deadline.passed': swap, ...back(restore) },
  },
  doubtful: { on: { ...away(swap), ...back(restore) } },
  draining: { on: { drained: 'switched', ...back(restore) } },
  switched: {
    on: { 'want.completed': step('settled', { type: 'retire' }), 'hub.strayed': swap, ...back(restore) },
  },
  settled: {},

  // ------------------------------------------------------------ and the way back
  restoring: {
    on: {
      'hub.accepted': 'reconfirming',
      'hub.verified': 'returning',
      'hub.refused': 'doubtful',
      'deadline.passed': restore,
      ...away(swap),
    },
  },
  reconfirming: {
    on: { 'hub.verified': 'returning', 'hub.refused': 'doubtful', 'deadline.passed': restore, ...away(swap) },
  },
  returning: { on: { proved: 'live', ...away(swap) } },
};

export type SwapState = keyof typeof states;
export const SWAP_STATES = Object.keys(states) as readonly SwapState[];

export const swapMachine = setup({
  types: { events: {} as SubscriptionEvent },
  actions: { ask() {}, retire() {} },
}).createMachine({ id: 'swap', initial: 'home', states });
