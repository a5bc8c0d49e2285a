import { z } from 'zod';
import { AFTER_HOOKS, BEFORE_HOOKS } from '../define/hooks.ts';
import { taking } from '../engine/invariantSchema.ts';
import { paceNote, SCHEMAS } from '../engine/schemas.ts';
import type { Wire } from '../wire.ts';
import { inboxStatusSchema } from './deliverySchema.ts';

const { campaign, mismatch, hook } = SCHEMAS;
const { stage, run, pausedBecause, targets, history } = campaign.shape;
const counts = z.record(z.string(), z.number());
const at = z.number().meta({ description: 'Milliseconds since 1970' });

export const sweepStatusSchema = z
  .object({
    generation: z.number(),
    number: z.number(),
    running: z.boolean(),
    share: z.number().meta({ description: '0 to 1' }),
    seen: z.number(),
    expected: z
      .number()
      .exactOptional()
      .meta({ description: 'What it will have seen at its end, as far as can be told' }),
    moved: z.number().meta({ description: 'Records moved in it so far' }),
    unresolved: z.number().meta({ description: 'Records that kept changing under the worker' }),
    counts: counts.meta({ description: 'All it has counted: `S.<state>`, `T.<state>`, `moves` and so on' }),
    startedAt: at.exactOptional(),
  })
  .meta({ id: 'SweepStatus', description: 'How far the sweep under way is, or, at rest, what the last one saw' });

const LIMIT =
  '`paused`; `nobody works`: no worker holds a part of it; `exhausted`: the store asked for less; `contention`: others ' +
  'write in some groups, or in many; `ceiling` and `ramp`: the campaign allows no more; `store`: nothing else does';

export const paceStatusSchema = z
  .object({
    limit: z.enum([...paceNote.shape.limit.options, 'paused', 'nobody works']).meta({ description: LIMIT }),
    workers: z.number(),
    perSecond: z.number().meta({ description: 'Operations a second that they make, together' }),
    allowedPerSecond: z
      .number()
      .exactOptional()
      .meta({ description: 'Operations a second that the campaign allows; unset: any' }),
    ceilingPerSecond: z.number().exactOptional(),
    ramp: z
      .object({ perSecond: z.number(), nextAt: at, nextPerSecond: z.number() })
      .exactOptional()
      .meta({ description: 'What the ramp allows now, when it rises next, and to what' }),
    factor: z
      .number()
      .exactOptional()
      .meta({ description: 'What is left of the rate of the worker that was held back most; unset: all' }),
    cooling: z.number().exactOptional().meta({ description: 'Entity groups that are left alone for a while' }),
    sweepAt: at.exactOptional().meta({
      description: 'Of a lazy campaign: until then records move when they are used, and workers look for none',
    }),
  })
  .meta({
    id: 'PaceStatus',
    description: 'What limits the pace of a campaign now: what it allows, and what its workers said in their claims',
  });

const paceSettingsSchema = z
  .object({
    ceilingPerSecond: z
      .number()
      .exactOptional()
      .meta({ description: 'Operations a second of all workers together, at most; unset: any' }),
    ramp: z.boolean().meta({ description: 'Whether the pace rises slowly' }),
  })
  .meta({ id: 'PaceSettings', description: 'What was set for the pace of a campaign, at rest too' });

export const mismatchesSchema = mismatch.omit({ v: true }).meta({
  id: 'Mismatches',
  description:
    'Copies that shadow reads of a router found to say something else than they should; the last ones, with both values',
});

export const hookStatusSchema = z
  .object({
    hook: z.enum([...BEFORE_HOOKS, ...AFTER_HOOKS]),
    state: z.enum(['due', ...hook.shape.state.options]).meta({
      description:
        '`due`: nobody has called it yet; `running` may have ended with its process; `done`: a worker is about to go on',
    }),
    attempt: z.number().meta({ description: 'How often it was called' }),
    key: z.string().meta({ description: 'Its idempotency key' }),
    waits: z
      .object({ what: z.string(), targets })
      .exactOptional()
      .meta({ description: 'The command that takes effect when it is done, and where records are wanted then' }),
    cause: z.string().exactOptional().meta({ description: 'Why the last attempt failed' }),
    nextAt: at.exactOptional().meta({ description: 'When it is called again' }),
  })
  .meta({ id: 'HookStatus', description: 'The hook that a campaign waits for' });

export const stuckRangeSchema = z
  .object({
    range: z.string().meta({ description: 'Its name in the sweep' }),
    home: z.enum(['S', 'T']).meta({ description: 'Whether it is of an old home or of a new one' }),
    after: z.string().exactOptional().meta({ description: 'The key behind which it stands; unset: at its beginning' }),
    until: z.string().exactOptional().meta({ description: 'Its last key; unset: to the end' }),
    tries: z.number().meta({ description: 'How many workers took it since anything of it was done' }),
    at: at.exactOptional().meta({ description: 'When a worker told of it' }),
  })
  .meta({
    id: 'StuckRange',
    description: 'A part of the sweep that workers took again and again and got nowhere with',
  });

const blocked = z.object({ code: z.enum(['definition.missing', 'definition.changed']), detail: z.string() });

const STATES =
  'Records per state. Each is counted once a sweep: in its old home, or, where that holds nothing of it, in its new home. ' +
  'So the population is the sum of `S.<state>` except `S.completed` (the sweep of the new home counts those again), and ' +
  'of `T.<state>`; while a sweep runs or when its second half was skipped, what was completed is known from one side only';

export const campaignStatusSchema = z
  .object({
    campaign: z.string().meta({ description: 'Its id, as feeds.1' }),
    migration: z.string(),
    version: z.number(),
    upgradesTo: z
      .number()
      .exactOptional()
      .meta({ description: 'The version that takes over when everything is at home' }),
    stage,
    run,
    pausedBecause: pausedBecause.unwrap().exactOptional(),
    closed: z.boolean(),
    settled: z.boolean().meta({
      description:
        'Every record rests at its target, as far as the last whole sweep saw; also while one looks it over again',
    }),
    settledAt: at.exactOptional().meta({ description: 'Unset while a sweep is under way' }),
    switchGateOpen: z.boolean(),
    targets,
    blocked: blocked.exactOptional().meta({
      description: 'Why no worker and no command goes on with it: its definition is missing or was changed',
    }),
    sweep: sweepStatusSchema,
    pace: paceStatusSchema.exactOptional().meta({ description: 'Unset where nothing is to be done' }),
    paceSettings: paceSettingsSchema,
    records: z.number().meta({ description: 'Records that are not quarantined, by the sweep in `countedIn`' }),
    states: counts.meta({ description: STATES }),
    countedIn: z.enum(['last sweep', 'running sweep', 'nothing yet']),
    quarantined: z
      .object({ count: z.number(), skipped: z.number(), byCode: counts })
      .meta({ description: '`skipped` of them may stay in the old home' }),
    stuck: z.array(stuckRangeSchema).exactOptional().meta({
      description: 'Parts of the sweep that are set aside until `retry`, and hold up its end; unset: none',
    }),
    mismatches: mismatchesSchema.exactOptional(),
    invariants: taking
      .exactOptional()
      .meta({ description: 'As they were taken last, where the migration has some and they were taken' }),
    inPlace: counts.exactOptional().meta({ description: 'Of `states`, the records that are rewritten in place' }),
    subscriptions: counts
      .exactOptional()
      .meta({ description: 'Subscriptions per state, by the same sweep, where the campaign has some' }),
    topicless: z.number().exactOptional().meta({
      description:
        'Of these, those whose topic could not be fetched, or says what was not delivered: it is asked again, after a pause',
    }),
    groups: counts.exactOptional().meta({ description: 'Groups per state, where the campaign goes by groups' }),
    hook: hookStatusSchema.exactOptional(),
    groupHooks: z
      .number()
      .exactOptional()
      .meta({ description: 'Groups that have become whole, whose `onGroupWhole` is due; unset: none' }),
    strip: z.object({ stripped: z.number(), left: z.number(), doneAt: at.exactOptional() }).exactOptional().meta({
      description:
        'Whether the state is being taken off its entities, or was: so many, and so many that were not its to take',
    }),
    createdAt: at,
    commands: z.number().meta({ description: 'How many commands it was given: the audit trail lists them' }),
    history: history.meta({ description: 'The newest of them' }),
  })
  .meta({ id: 'CampaignStatus', description: 'Where one campaign stands' });

export const statusSchema = z
  .object({
    campaigns: z.array(campaignStatusSchema),
    unstarted: z
      .array(z.object({ name: z.string(), version: z.number(), after: z.array(z.string()) }))
      .meta({ description: 'Migrations that were never started' }),
    inbox: inboxStatusSchema.exactOptional().meta({
      description:
        'Of the inbox, whichever campaign its subscriptions belong to; unset where nothing waits and nothing is wrong',
    }),
  })
  .meta({ id: 'Campaigns', description: 'All campaigns, and what waits to become one' });

export type SweepStatus = Wire<typeof sweepStatusSchema>;
export type StuckRange = Wire<typeof stuckRangeSchema>;
export type HookStatus = Wire<typeof hookStatusSchema>;
export type PaceSettings = Wire<typeof paceSettingsSchema>;
export type PaceStatus = Wire<typeof paceStatusSchema>;
export type CampaignStatus = Wire<typeof campaignStatusSchema>;
export type Status = Wire<typeof statusSchema>;
