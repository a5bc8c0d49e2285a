import { z } from 'zod';
import { SUBSCRIPTION_STATES } from '../../machines/subscription.ts';
import { SWAP_STATES } from '../../machines/swap.ts';
import { PROTOCOL_NAMES } from '../define/hub.ts';

/** One of the two callbacks of a subscription. */
const callbackSide = z.object({
  url: z.string(),
  /** Any of them signs: the newest last. */
  secrets: z.array(z.string()),
  /** Whether the hub posts there, as far as it said. */
  active: z.boolean(),
  verifiedAt: z.number().optional(),
  /** When it was asked whether it means it, since the hub was asked last. */
  confirmedAt: z.number().optional(),
  /** The provider makes the secret, and has not told it yet: nothing that comes in can be checked. */
  awaitsSecret: z.boolean().optional(),
  leaseUntil: z.number().optional(),
  /** How long the lease was that it granted last. */
  leaseMs: z.number().optional(),
  reference: z.string().optional(),
  /** When a signed delivery came in last. */
  deliveredAt: z.number().optional(),
  /** When one failed last, while this URL was to prove itself. Only where the application itself sends. */
  failedAt: z.number().optional(),
});

/** At least so many, for what a process that died had not yet written down is lost. */
export const forged = z.object({
  count: z.number(),
  firstAt: z.number(),
  lastAt: z.number(),
  /** What was wrong with the last one. */
  why: z.string(),
  /** Which write it was: so one whose answer was lost is not counted twice. */
  write: z.string(),
});

/** What is to be asked of the hub: stored before it is. */
const intent = z.object({
  id: z.string(),
  mode: z.enum(['subscribe', 'unsubscribe', 'probe']),
  side: z.enum(['old', 'new']),
  attempt: z.number(),
  /** Until then an answer is waited for. */
  deadlineAt: z.number(),
});

/** What somebody who knows the URL said in the hub's name, and during which attempt of which request. */
const denial = z.object({
  side: z.enum(['old', 'new']),
  reason: z.string(),
  at: z.number(),
  intent: z.string().optional(),
  attempt: z.number().optional(),
});

/** Why the topic is asked again no sooner than `at`. */
const fetchNote = z.object({ attempt: z.number(), at: z.number(), cause: z.string() });

/** What requests may have left behind at a provider that tells what it has: when that is looked for next, and how long. */
const lookNote = z.object({
  /** The one request that it is about; unset: several. */
  intent: z.string().optional(),
  sides: z.array(z.enum(['old', 'new'])),
  attempt: z.number(),
  at: z.number(),
  untilAt: z.number(),
  /** It did not tell. */
  failed: z.boolean().optional(),
  /** When it told last. */
  lookedAt: z.number().optional(),
});

/** Subscriptions that nobody wants, on this side's URL: about to be ended, and until then nothing else is asked. */
const endingNote = z.object({
  id: z.string(),
  side: z.enum(['old', 'new']),
  references: z.array(z.string()),
  deadlineAt: z.number(),
});

/** What is known of a subscription, and what is asked for it. */
export const subscription = z.object({
  v: z.literal(1),
  campaign: z.string(),
  rule: z.number(),
  /** The record that it is of. */
  source: z.string(),
  state: z.enum([...new Set([...SUBSCRIPTION_STATES, ...SWAP_STATES])]),
  /** Which machine it goes by; unset: the one for two subscriptions side by side. */
  shape: z.enum(['overlap', 'swap']).optional(),
  hub: z.string(),
  /** As the hub calls it. */
  topic: z.string(),
  protocol: z.enum(PROTOCOL_NAMES),
  /** Tenant and topic: deliveries are told apart within it. */
  scope: z.string(),
  old: callbackSide,
  new: callbackSide,
  intent: intent.optional(),
  renewal: intent.optional(),
  /** When the old URL was given up last. */
  switchedAt: z.number().optional(),
  fetch: fetchNote.optional(),
  look: lookNote.optional(),
  ending: endingNote.optional(),
  /** Why the hub refused, as long as nothing was tried again. */
  problem: z.string().optional(),
  /** The last time that the hub, or somebody else, said that it does not post there. */
  denied: denial.optional(),
  seq: z.number(),
  journal: z.array(z.object({ seq: z.number(), what: z.string(), at: z.number(), by: z.string() })),
});

export type Intent = z.infer<typeof intent>;
