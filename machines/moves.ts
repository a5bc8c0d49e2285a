/** The closed union of everything the machines may ask for. Machines decide; only the engine does. */

/** S is the old home, T the new one. */
export type Side = 'S' | 'T';

/** Where the operator wants a record. */
export const TARGETS = ['home', 'copied', 'switched', 'completed'] as const;
export type Target = (typeof TARGETS)[number];

/** One move of one record: a compare-and-set of the entity at `at`, or, for `pass`, one atomic commit of both. */
export type Move =
  /** Insert the missing side as a shadow of the other. */
  | { readonly type: 'copy'; readonly at: Side }
  /** Make a stale shadow again from the other side's content. */
  | { readonly type: 'refresh'; readonly at: Side }
  /** Give the truth away: the content freezes, the shadow at the peer may be promoted. */
  | { readonly type: 'cede'; readonly at: Side }
  /** A shadow that equals the ceded content becomes the owner. */
  | { readonly type: 'promote'; readonly at: Side }
  /** What ceded becomes a shadow of the peer, which is owner by now. */
  | { readonly type: 'demote'; readonly at: Side }
  /** Delete a side that holds no truth. */
  | { readonly type: 'drop'; readonly at: Side }
  /** The short path: the owner moves to `at` in one atomic commit, and leaves this behind. */
  | { readonly type: 'pass'; readonly at: Side; readonly leave: 'ceded' | 'nothing' }
  /** Leave it where it is, served, and list it with the cause. */
  | { readonly type: 'quarantine'; readonly cause: 'record.split' | 'record.corrupt' };

/** What a step of the campaign asks for. */
export type CampaignEffect =
  /** Send records (the share of them that the command names) towards this target, with a new sweep. */
  | { readonly type: 'aim'; readonly target: Target }
  /** The copy was seen complete and clean once: the gate to `switch` opens. */
  | { readonly type: 'openSwitchGate' }
  /** Every record is at home, and nothing is under way: the definition that was waiting for that takes over. */
  | { readonly type: 'adopt' }
  /** Nothing more will be done under this campaign. */
  | { readonly type: 'close' };

/** What a step of a group asks for. */
export type GroupEffect =
  /** Every member is copied and clean: its members may switch. */
  | { readonly type: 'admit' }
  /** Every record has arrived: the application may treat them as one transaction. */
  | { readonly type: 'declareJoined' }
  /** And every subscription has. */
  | { readonly type: 'declareWhole' }
  /** A record is behind again: what was declared is withdrawn. */
  | { readonly type: 'withdraw' };

/** What a step of a subscription asks for. */
export type SubscriptionEffect =
  /** Ask the hub, after that was stored: deliver to this side's callback, or no more. `probe`: ask the callback itself. */
  | { readonly type: 'ask'; readonly mode: 'subscribe' | 'unsubscribe' | 'probe'; readonly side: 'old' | 'new' }
  /** The old callback answers from now on that it is gone. */
  | { readonly type: 'retire' };
