import { z } from 'zod';
import { STAGES } from '../../machines/campaign.ts';
import { GROUP_STATES } from '../../machines/group.ts';
import { entry, targets } from './entrySchema.ts';
import { after, hook, pending } from './hookSchema.ts';
import { taking } from './invariantSchema.ts';
import { forged, subscription } from './subscriptionSchema.ts';
import { outline, upgradeTo } from './upgradeSchema.ts';

/**
 * The engine's own entities, kept in the same store as the data and written by the same compare-and-set: one JSON text
 * in the property `state`, which is not indexed. Each carries the version of its form; a newer one is refused.
 */
const version = z.literal(1);

const counts = z.record(z.string(), z.number());

/** What a verification found that looked at everything: it outlives the next one's beginning, and `strip`. */
export const proof = z
  .object({
    at: z.number().meta({ description: 'When it began, in milliseconds since 1970' }),
    stage: z.enum(STAGES).meta({ description: 'The stage of the campaign then' }),
    started: z.number(),
    completed: z.number(),
    inFlight: z.number(),
    quarantined: z.number(),
    duplicates: z.number(),
    gaps: z.number(),
    clean: z.boolean(),
  })
  .meta({ id: 'Proof', description: 'The numbers of the last `verify` that was finished' });

const which = z.object({ code: z.string().optional(), key: z.string().optional() });

/** What a worker knows of its own pace, for operators; the same in the claims of all its lanes. */
export const paceNote = z.object({
  /** What holds it up just now; `store`: nothing else does. */
  limit: z.enum(['exhausted', 'contention', 'ceiling', 'ramp', 'store']),
  /** Operations a second that it makes. */
  perSecond: z.number(),
  /** What is left of its rate after a back-off; unset: all. */
  factor: z.number().optional(),
  /** Entity groups that it leaves alone for a while. */
  cooling: z.number().optional(),
});

export const SCHEMAS = {
  campaign: z.object({
    v: version,
    id: z.string(),
    migration: z.string(),
    migrationVersion: z.number(),
    /** The version that it was started with; unset while that is `migrationVersion`. */
    firstVersion: z.number().optional(),
    /** What the next version must share with this one (outline.ts). Unset: there can be none. */
    outline: outline.optional(),
    /** Something was wanted at its new home under this definition: an owner there has its shape, and must come home first. */
    away: z.boolean().optional(),
    /** The generation in which this version took over from another: what was found before it was that one's. */
    versionSince: z.number().optional(),
    /** The definition that takes over when every record is at home: what `upgrading` is for. */
    upgradeTo: upgradeTo.optional(),
    /** The definition's fingerprint: a campaign runs under one definition only; `upgrade` takes the next. */
    definition: z.string(),
    stage: z.enum(STAGES),
    run: z.enum(['running', 'paused']),
    pausedBecause: z.string().optional(),
    targets,
    /** Raised by every command that changes the targets: what was swept under the old ones counts no more. */
    generation: z.number(),
    /** The sweep of this generation that is under way, from 1. */
    sweep: z.number(),
    /** When this generation came to rest; unset while it has not. */
    settledAt: z.number().optional(),
    switchGateOpen: z.boolean(),
    /** The sweep, `generation.sweep`, that drops sides of records which are referred to, after all references were seen. */
    dropIn: z.string().optional(),
    /** Something was quarantined under it: only then each page asks which records are. Set before the first is listed. */
    quarantines: z.boolean().optional(),
    /** Said with `complete`: quarantined records stay in the old home, and with them the groups they are of. */
    leaveQuarantined: z.boolean().optional(),
    /** What `skip` asked for: quarantined records, of one old key or of one cause each, that may stay in the old home. */
    skips: z.array(which).optional(),
    /**
     * What `retry` and `resolve` asked for: entries listed before that sweep that are of one cause, or of one old key, or
     * any; and whose entity is to be the record, where two claim it.
     */
    retries: z
      .array(which.extend({ keep: z.enum(['old', 'new']).optional(), generation: z.number(), sweep: z.number() }))
      .optional(),
    /** How many records the newest settled sweep counted, and when: what `verify` compares with. */
    population: z.object({ at: z.number(), records: z.number() }).optional(),
    /** How fast all workers together may go: by the ramp since then, never over the ceiling. Unset: no bound. */
    pace: z
      .object({
        ramp: z.boolean(),
        ceilingPerSecond: z.number().optional(),
        since: z.number(),
        /** Of a lazy command: until then nothing is swept, for records move when they are used; */
        sweepAt: z.number().optional(),
        /** and the sweep goes no faster than this, where no ceiling was set. Both go with the next command. */
        lazyPerSecond: z.number().optional(),
      })
      .optional(),
    closed: z.boolean(),
    createdAt: z.number(),
    /** A newer run of the migration was begun: under this one, which is closed, nothing may be moved any more. */
    succeeded: z.boolean().optional(),
    /** Slots are to be taken off once it is closed: how far that is. `left`: not the campaign's, or changed too often. */
    strip: z
      .object({
        step: z.number(),
        cursor: z.string().optional(),
        stripped: z.number(),
        left: z.number(),
        doneAt: z.number().optional(),
      })
      .optional(),
    /** What the last finished sweep saw; `inRow`: how many of this generation were clean one after the other, with it. */
    lastSweep: z
      .object({
        generation: z.number(),
        sweep: z.number(),
        at: z.number(),
        clean: z.boolean(),
        inRow: z.number().optional(),
        /** How many sweeps in a row, with it, found every reference right, where sides are kept for them. */
        ready: z.number().optional(),
        counts,
      })
      .optional(),
    /** The newest commands, the oldest of them first. */
    history: z.array(entry),
    /** How many older ones stand in documents of their own. */
    archived: z.number().optional(),
    /** A command that takes effect when its hooks are done. */
    pending: pending.optional(),
    /** The hook that is called since this generation has settled. */
    after: after.optional(),
    /** How often it was paused as a hook had failed too often: each time the attempts begin anew. */
    hookRound: z.number().optional(),
  }),
  command: z.object({ v: version, entry }),
  sweep: z.object({
    v: version,
    startedAt: z.number(),
    /** Old homes first: they must be done before new homes are looked at. */
    ranges: z.array(
      z.object({
        rule: z.number(),
        home: z.enum(['S', 'T']),
        /** What refers to records: before all of them, or after all of them. */
        refers: z.enum(['first', 'last']).optional(),
        after: z.string().optional(),
        until: z.string().optional(),
      }),
    ),
    /** Where a fleet works: the last turn whose ranges were handed out, and when. */
    sent: z.object({ turn: z.number(), at: z.number() }).optional(),
  }),
  range: z.object({
    v: version,
    /** The last key whose page is done. */
    cursor: z.string().optional(),
    done: z.boolean(),
    claim: z.object({ by: z.string(), untilMs: z.number(), pace: paceNote.optional() }).optional(),
    /** How many took it since its last checkpoint. */
    tries: z.number().optional(),
    /** It was set aside then, which was told: see `isStuck`. */
    asideAt: z.number().optional(),
    /** Keys behind each of which a part was cut off, the last one first in key order: see `RangeLook`. */
    cuts: z.array(z.string()).optional(),
    counts,
  }),
  quarantine: z.object({
    v: version,
    campaign: z.string(),
    rule: z.number(),
    key: z.string(),
    peer: z.string().optional(),
    group: z.string().optional(),
    code: z.string(),
    message: z.string(),
    at: z.number(),
    /** The sweep that listed it, `generation.sweep`: one that is retried in a later sweep is not listed before it. */
    sweep: z.string().optional(),
  }),
  group: z.object({
    v: version,
    state: z.enum(GROUP_STATES),
    /** Records. */
    members: z.number(),
    /** Where it has subscriptions: whether each has a URL that is proven, so that the old ones may go. */
    subscriptions: z.object({ count: z.number(), ready: z.boolean() }).optional(),
    generation: z.number(),
    sweep: z.number(),
    /** How often it became whole, where somebody is told of it; `due`: of the last time not yet. */
    whole: z.object({ times: z.number(), due: z.boolean() }).optional(),
  }),
  subscription,
  /** A record that has a subscription, where a sweep of records of its kind would not find it: it moves, or is of a group. */
  subscriber: z.object({
    v: version,
    source: z.string(),
    /** The new key of one that is moved. */
    peer: z.string().optional(),
    group: z.string().optional(),
  }),
  /** Whose a path is. */
  callback: z.object({ v: version, subscription: z.string(), side: z.enum(['old', 'new']) }),
  /** How far the inbox was swept of what is past its window. */
  inbox: z.object({
    v: version,
    doneAt: z.number().optional(),
    /** The last id whose page is done, of a pass that has not ended. */
    cursor: z.string().optional(),
    claim: z.object({ by: z.string(), untilMs: z.number() }).optional(),
  }),
  /** Deliveries to its URLs that nobody with a secret signed. */
  suspicion: z.object({ v: version, subscription: z.string(), old: forged.optional(), new: forged.optional() }),
  /** What the router's shadow reads found: copies that say something else than what they were made from. */
  mismatch: z.object({
    v: version,
    count: z.number(),
    last: z.array(
      z.object({
        at: z.number(),
        from: z.string(),
        into: z.string(),
        /** What the copy should say, and what it says, as JSON, cut short. */
        expected: z.string(),
        found: z.string(),
      }),
    ),
  }),
  verify: z.object({
    v: version,
    /** The targets it was begun under. */
    of: z.string(),
    startedAt: z.number(),
    step: z.number(),
    cursor: z.string().optional(),
    report: z.unknown(),
    proof: proof.optional(),
  }),
  invariants: taking.extend({ v: version }),
  /** What the invariants that must stay began with: each with its groups and their totals as JSON, or why there are none. */
  baseline: z.object({
    v: version,
    at: z.number(),
    totals: z.record(
      z.string(),
      z.object({ groups: z.array(z.tuple([z.string(), z.string()])), failure: z.string().optional() }),
    ),
  }),
  /** Which campaign may move records of a home. */
  home: z.object({ v: version, home: z.string(), campaign: z.string(), at: z.number() }),
  hook: hook.extend({ v: version }),
} as const;

export type DocumentKind = keyof typeof SCHEMAS;
export type Document<K extends DocumentKind> = z.infer<(typeof SCHEMAS)[K]>;
export type CampaignDocument = Document<'campaign'>;
export type CampaignPace = NonNullable<CampaignDocument['pace']>;
export type PaceNote = z.infer<typeof paceNote>;
/** Which quarantined records: of one cause, of one old key, or any. */
export type Which = z.infer<typeof which>;
export type Retried = NonNullable<CampaignDocument['retries']>[number];
export type SweepDocument = Document<'sweep'>;
export type RangeDocument = Document<'range'>;
export type QuarantineDocument = Document<'quarantine'>;
export type HookDocument = Document<'hook'>;
export type HomeDocument = Document<'home'>;
export type GroupDocument = Document<'group'>;
export type BaselineDocument = Document<'baseline'>;
export type SubscriberDocument = Document<'subscriber'>;
export type SubscriptionDocument = Document<'subscription'>;
