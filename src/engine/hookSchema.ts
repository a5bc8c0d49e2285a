import { z } from 'zod';
import { STAGES } from '../../machines/campaign.ts';
import { AFTER_HOOKS, BEFORE_HOOKS } from '../define/hooks.ts';
import { targets } from './entrySchema.ts';
import { upgradeTo } from './upgradeSchema.ts';

/**
 * A command that is to take effect when its hooks are done, one after the other: what it would have made of the campaign.
 * In the campaign itself, so that everybody who moves records goes on by the targets that were.
 */
export const pending = z.object({
  /** As the audit trail has it: `switch 20 %`. */
  what: z.string(),
  hooks: z.array(z.enum(BEFORE_HOOKS)),
  /** Of its own: that of a command which it replaced was another one. */
  generation: z.number(),
  stage: z.enum(STAGES),
  targets,
  switchGateOpen: z.boolean(),
  leaveQuarantined: z.boolean(),
  strip: z.boolean(),
  upgradeTo: upgradeTo.optional(),
});

export const after = z.object({ hook: z.enum(AFTER_HOOKS), generation: z.number(), done: z.boolean() });

/** One call of a hook, or several about one thing. The intent is stored before the call, the outcome after it. */
export const hook = z.object({
  /** The idempotency key. */
  key: z.string(),
  hook: z.enum([...BEFORE_HOOKS, ...AFTER_HOOKS, 'onGroupWhole']),
  /** `running` past `until`: whoever called it died, or hangs. */
  state: z.enum(['running', 'done', 'failed']),
  /** All that were begun. */
  attempt: z.number(),
  /** Of these, those since the campaign was paused over hooks the last time, */
  tries: z.number(),
  /** which was this time. */
  round: z.number(),
  /** Names the last attempt: whoever stored it knows it again. */
  call: z.string(),
  by: z.string(),
  /** Since when it is so. */
  at: z.number(),
  /** When the next attempt may begin. */
  until: z.number(),
  cause: z.string().optional(),
});
