import { setup } from 'xstate';
import type { SubscriptionEffect, Target } from './moves.ts';

/**
 * The journey of one subscription from its old callback URL to a new one, at a hub that lets two stand side by side.
 *
 * The hub is nobody's store: no compare-and-set reaches it. So a state says what was asked and what was answered, `ask` is
 * stored before anything is sent, and an answer is an event of its own, however late. An answer that never came is
 * `deadline.passed`, after which the same is asked again: to subscribe or unsubscribe twice changes nothing.
 *
 * The new URL delivers before the old one is given up (`proven`), and the other way round on the way back; in between
 * both deliver, and the inbox takes each delivery once.
 */
export type SubscriptionEvent =
  | { type: `want.${Target}` }
  /** The hub has the request, and will ask the callback itself. */
  | { type: 'hub.accepted' }
  /** It is not, and another attempt is in vain. */
  | { type: 'hub.refused' }
  /** It is carried out: the hub said so, or asked the callback, which confirmed. Some ask before they answer. */
  | { type: 'hub.verified' }
  /** Nothing was heard in the time that was given. */
  | { type: 'deadline.passed' }
  /** The URL subscribed last has delivered, or the topic was quiet; and what the topic says now has been taken in. */
  | { type: 'proved' }
  /** The hub's promise to the old URL is over: nothing comes there any more. */
  | { type: 'lease.ended' }
  /** What the topic says now has been taken in, after the old URL was given up. */
  | { type: 'drained' }
  /** A request of our own came through to the new URL's receiver. Of a swap only, as the next one. */
  | { type: 'url.answered' }
  /** The provider has the other URL, although nothing is under way: a request that was given up came to be. */
  | { type: 'hub.strayed' };

const step = (target: string, { type, ...params }: SubscriptionEffect) => ({ target, actions: { type, params } });
const ask = (target: string, mode: 'subscribe' | 'unsubscribe', side: 'old' | 'new') =>
  step(target, { type: 'ask', mode, side });
const subscribe = ask('subscribing', 'subscribe', 'new');
const withdraw = ask('withdrawing', 'unsubscribe', 'new');
const unsubscribe = ask('unsubscribing', 'unsubscribe', 'old');
const resubscribe = ask('resubscribing', 'subscribe', 'old');

type Step = ReturnType<typeof step>;
const onward = (to: Step) => ({ 'want.copied': to, 'want.switched': to, 'want.completed': to });
const away = (to: Step) => ({ 'want.switched': to, 'want.completed': to });
const back = (to: Step) => ({ 'want.home': to, 'want.copied': to });

const states = {
  home: { on: onward(subscribe) },

  // ------------------------------------------------------------ the new URL is added
  subscribing: {
    on: {
      'hub.accepted': 'verifying',
      'hub.verified': 'overlapping',
      'hub.refused': 'home',
      'deadline.passed': subscribe,
      'want.home': withdraw,
    },
  },
  verifying: {
    on: {
      'hub.verified': 'overlapping',
      'hub.refused': 'home',
      'deadline.passed': subscribe,
      'want.home': withdraw,
    },
  },
  overlapping: { on: { proved: 'proven', 'want.home': withdraw } },
  proven: { on: { 'want.home': withdraw, ...away(unsubscribe) } },

  // ------------------------------------------------------------ the old URL is given up
  unsubscribing: {
    on: {
      'hub.accepted': 'lapsing',
      'hub.verified': 'draining',
      // It will lapse: to fail at this is an ordinary way for it to end.
      'hub.refused': 'lapsing',
      'lease.ended': 'draining',
      'deadline.passed': unsubscribe,
      ...back(resubscribe),
    },
  },
  lapsing: {
    on: {
      'hub.verified': 'draining',
      'lease.ended': 'draining',
      // Only where nothing is known of a lease that would end.
      'deadline.passed': unsubscribe,
      ...back(resubscribe),
    },
  },
  draining: { on: { drained: 'switched', ...back(resubscribe) } },
  switched: { on: { 'want.completed': step('settled', { type: 'retire' }), ...back(resubscribe) } },
  settled: {},

  // ------------------------------------------------------------ and the way back
  resubscribing: {
    on: {
      'hub.accepted': 'reverifying',
      'hub.verified': 'returning',
      // As it was: what its lease still brings is waited for, and what the topic says by then is taken in.
      'hub.refused': 'lapsing',
      'deadline.passed': resubscribe,
      ...away(unsubscribe),
    },
  },
  reverifying: {
    on: {
      'hub.verified': 'returning',
      'hub.refused': 'lapsing',
      'deadline.passed': resubscribe,
      ...away(unsubscribe),
    },
  },
  // The old URL has to prove itself again before the new one goes.
  returning: { on: { proved: 'proven', ...away(unsubscribe) } },
  withdrawing: {
    on: {
      'hub.verified': 'home',
      'hub.refused': 'home',
      'lease.ended': 'home',
      'deadline.passed': withdraw,
      ...onward(subscribe),
    },
  },
};

export type SubscriptionState = keyof typeof states;
export const SUBSCRIPTION_STATES = Object.keys(states) as readonly SubscriptionState[];

export const subscriptionMachine = setup({
  types: { events: {} as SubscriptionEvent },
  actions: { ask() {}, retire() {} },
}).createMachine({ id: 'subscription', initial: 'home', states });
