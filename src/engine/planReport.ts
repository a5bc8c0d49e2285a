import { z } from 'zod';
import type { Wire } from '../wire.ts';
import { referencePlanSchema, undeclaredSchema } from './referencesReport.ts';

const money = z.number().exactOptional();

const costSchema = z
  .object({
    reads: z.number(),
    writes: z.number(),
    deletes: z.number(),
    indexWrites: z.number().meta({ description: 'Entries of built-in indexes that are written or removed' }),
    durationMs: z.number().meta({ description: 'How long it takes under the ramp, with nothing slower than the ramp' }),
    money: money.meta({ description: 'At list price; unset where the store costs nothing' }),
  })
  .meta({ id: 'Cost', description: 'Of one step, or of its way back' });

const changeSchema = z
  .object({ before: z.string(), after: z.string() })
  .meta({ id: 'Change', description: 'Where the application reads from, or writes to' });

/**
 * The journey as a saga: one small change at a time, of code or of data and never of both, each compatible with the one
 * before, with a check that it did what it should, and a way back.
 */
const stepSchema = z
  .object({
    name: z.string(),
    changes: z.enum(['code', 'data']),
    command: z.string().exactOptional().meta({ description: 'What carries it out, if a command does' }),
    reads: changeSchema,
    writes: changeSchema,
    compatible: z.string().meta({
      description: 'Which instances of the application may run side by side meanwhile',
    }),
    check: z.string().meta({ description: 'How to see that it is right before going on' }),
    cost: costSchema,
    backOut: z.object({
      command: z.string().exactOptional().meta({ description: 'Unset: the point of no return' }),
      how: z.string(),
      cost: costSchema,
    }),
  })
  .meta({ id: 'PlanStep', description: 'One small change of the journey' });

const problemSchema = z
  .object({ count: z.number(), samples: z.array(z.object({ key: z.string(), message: z.string() })) })
  .meta({ id: 'PlanProblem' });

const costsSchema = z.object({
  steps: z.array(stepSchema).meta({ description: 'The journey, one small change after the other' }),
  total: costSchema,
  inOneGo: costSchema.meta({ description: 'The same by `start --to completed`, without a rest in between' }),
  atRest: z.object({ copied: costSchema, switched: costSchema }).meta({
    description:
      'One more look at everything, as a worker takes it at rest once a minute: at `copied`, and at `switched`',
  }),
  ramp: z.object({
    startPerSecond: z.number(),
    growth: z.number(),
    intervalMs: z.number(),
    ceilingPerSecond: z.number(),
  }),
  prices: z
    .object({
      list: z.string().meta({ description: 'Whose list it is, for which region, and of when: prices change' }),
      currency: z.string().meta({ description: 'As `USD`' }),
      reads: z.number().meta({ description: 'For 100,000 entities read' }),
      writes: z.number().meta({ description: 'For 100,000 entities written' }),
      deletes: z.number().meta({ description: 'For 100,000 entities deleted' }),
      storage: z.number().meta({ description: 'For one GiB (2^30 bytes) kept for a month' }),
    })
    .exactOptional(),
  storageAMonth: money.meta({
    description:
      'What the second home and the slots cost a month while both homes stand, without indexes; at list price',
  }),
});

const sampleSchema = z.object({
  percent: z.number().meta({ description: 'About so many percent of the records were read' }),
  marginPercent: z.number().exactOptional().meta({
    description: 'Twice the standard error of the number of records, in percent of it; unset where it cannot be told',
  }),
});

const findingsSchema = z.object({
  seen: z.number().meta({ description: 'Entities of the old homes that were looked at' }),
  problems: z
    .record(z.string(), problemSchema)
    .meta({ description: 'Records that could not be moved, by code; they would be quarantined' }),
  inexact: problemSchema.meta({
    description: 'Records that would not come back as they were: what `backward` makes of `forward` differs',
  }),
  unchecked: z.number().meta({
    description: 'Records whose new key was not remembered any more: two of them that share one were not found',
  }),
});

const ruleSchema = z
  .object({
    from: z.string(),
    into: z.string(),
    reversible: z.boolean().meta({ description: 'False: what is modified after the switch could not be reversed' }),
    records: z.number(),
    inFlight: z.number(),
    short: z.number(),
    inPlace: z.number().meta({ description: 'Records whose properties change where they are' }),
    bytes: z.number(),
    newBytes: z.number(),
    slotBytes: z.number(),
    indexEntries: z.number(),
    newIndexEntries: z.number(),
  })
  .meta({ id: 'RulePlan' });

const requestsSchema = z.object({
  start: z.number().meta({ description: 'By `start`: discoveries, one to subscribe, one look at the topic' }),
  switch: z.number().meta({ description: 'By `switch`: one to unsubscribe, one look at the topic' }),
  reverse: z.number().meta({
    description: 'By `reverse` after it: one to subscribe, one look at the topic, one to unsubscribe',
  }),
});

const subscriptionSchema = z
  .object({
    of: z.string(),
    hub: z.string().meta({ description: 'Who posts, by the name of the definition’s `hub`' }),
    protocol: z.string(),
    shape: z.enum(['overlap', 'swap']),
    subscriptions: z.number().meta({ description: 'Subscriptions that no campaign has begun' }),
    inFlight: z.number().meta({ description: 'Such as a campaign has in hand already' }),
    discovered: z.number().meta({
      description: 'Of `subscriptions`, those whose hub the record does not name: it is to be discovered',
    }),
    servers: z.record(z.string(), z.number()).meta({
      description: 'How many of them are at which server, where the record names it; the first few, and `others`',
    }),
    requests: requestsSchema.meta({ description: 'Without attempts that fail, and renewals of leases' }),
  })
  .meta({ id: 'SubscriptionPlan' });

export const planReportSchema = z
  .object({
    migration: z.string(),
    version: z.number(),
    by: z.enum(['record', 'group']),
    sample: sampleSchema.exactOptional().meta({ description: 'What was read, if not all' }),
    records: z.number().meta({
      description: 'Records at home, with nothing of them under way, whose new key is known',
    }),
    bytes: z.number().meta({ description: 'Bytes of their content and keys as they are' }),
    newBytes: z.number().meta({ description: 'The same in their new shape' }),
    slotBytes: z.number().meta({ description: 'Bytes of the slots that both sides carry while both homes stand' }),
    indexEntries: z.number().meta({ description: 'Entries of built-in indexes, of the old shape' }),
    newIndexEntries: z.number().meta({ description: 'The same of the new shape' }),
    inFlight: z.number().meta({
      description:
        'Records that a campaign has in hand already, as their slots say: copied, ceded, switched, on their way back',
    }),
    groups: z.number().exactOptional().meta({ description: 'Target groups; under `by: group` only' }),
    short: z.number().meta({
      description: 'Records for which the store allows the short path: both homes in one atomic commit',
    }),
    inPlace: z
      .number()
      .meta({ description: 'Records whose properties change where they are: one home, and one write each' }),
    rules: z.array(ruleSchema),
    subscriptions: z.array(subscriptionSchema).exactOptional().meta({
      description:
        'Where the migration has subscriptions. Their requests are no entity operations, and not in the costs',
    }),
    references: z.array(referencePlanSchema).exactOptional().meta({
      description: 'Where rules have `references`: what refers to records. Its reads and writes are not in the costs',
    }),
    undeclared: z.array(undeclaredSchema).exactOptional().meta({
      description: 'Where a sample of all kinds holds keys of records that move, in properties that no rule mentions',
    }),
    ...findingsSchema.shape,
    ...costsSchema.shape,
  })
  .meta({
    id: 'PlanReport',
    description:
      'What a migration would meet and cost, found by reading alone. Of a sample, all but the findings is extrapolated',
  });

export type PlanReport = Wire<typeof planReportSchema>;
export type PlanCosts = Wire<typeof costsSchema>;
export type PlanStep = Wire<typeof stepSchema>;
export type Change = Wire<typeof changeSchema>;
export type Cost = Wire<typeof costSchema>;
export type PlanSample = Wire<typeof sampleSchema>;
// These are counted up while records are read.
export type PlanFindings = z.output<typeof findingsSchema>;
export type PlanProblem = z.output<typeof problemSchema>;
export type RulePlan = z.output<typeof ruleSchema>;
export type SubscriptionPlan = z.output<typeof subscriptionSchema>;
