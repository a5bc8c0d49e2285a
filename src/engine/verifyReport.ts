import { z } from 'zod';
import { LIMITS } from '../limits.ts';
import type { Key } from '../record/key.ts';
import { referencesSchema, undeclaredSchema } from './referencesReport.ts';

const subscriptionsSchema = z
  .object({
    seen: z.number().meta({ description: 'Records that have a subscription' }),
    arrived: z.number().meta({ description: 'Subscriptions that rest at their target' }),
    onTheWay: z.number().meta({ description: 'Subscriptions on their way, or not begun' }),
    quarantined: z.number(),
  })
  .meta({ description: 'Where the migration has subscriptions' });

const COUNTED =
  'What the newest settled sweep counted, and when: records that exist and are not quarantined. A difference to `started` ' +
  'and `quarantined` is what the application has inserted and deleted since, or what was lost behind the router’s back: ' +
  'nobody can tell these apart once the last old side is dropped';

/** Every number is counted by reading, none is taken from what the engine says of itself. */
export const verifyReportSchema = z
  .object({
    campaign: z.string(),
    at: z.number().meta({ description: 'Milliseconds since 1970' }),
    seen: z.number().meta({ description: 'Entities looked at, in both homes' }),
    started: z.number().meta({ description: 'Records that exist: each counted once, by its old key' }),
    completed: z.number().meta({ description: 'Records that rest at their target' }),
    inFlight: z.number().meta({ description: 'Records on their way' }),
    quarantined: z.number(),
    duplicates: z.number().meta({ description: 'Records that two entities claim to own' }),
    gaps: z.number().meta({
      description:
        'Records of which a side is lacking that their state requires: their content could be lost with the other',
    }),
    missing: z.number().meta({ description: 'Owners at home that should have a copy and have none' }),
    stale: z.number().meta({ description: 'Copies whose content is not what the owner’s content becomes' }),
    orphans: z.number().meta({ description: 'Copies of records that do not exist' }),
    splits: z.number(),
    foreign: z.number().meta({
      description: 'Entities in the new home that this campaign did not write. They are left alone',
    }),
    subscriptions: subscriptionsSchema.exactOptional(),
    references: referencesSchema.exactOptional(),
    undeclared: z.array(undeclaredSchema).exactOptional().meta({
      description: 'Where a sample of all kinds holds keys of records that move, in properties that no rule mentions',
    }),
    counted: z.object({ at: z.number(), records: z.number() }).optional().meta({ description: COUNTED }),
    clean: z.boolean().meta({
      description: 'Nothing wrong and nothing under way: started = completed + quarantined, duplicates 0, gaps 0',
    }),
    samples: z.record(z.string(), z.array(z.string())).meta({ description: 'Some keys for each finding' }),
  })
  .meta({ id: 'VerifyReport', description: 'A full look at both homes' });

// Counted up while records are read.
export type VerifyReport = z.output<typeof verifyReportSchema>;
export type SubscriptionsReport = z.output<typeof subscriptionsSchema>;

export type Finding = 'missing' | 'stale' | 'orphans' | 'splits' | 'duplicates' | 'gaps' | 'inFlight' | 'quarantined';

export function note(report: VerifyReport, finding: Finding, key: Key): void {
  report[finding]++;
  report.samples[finding] ??= [];
  if (report.samples[finding].length < LIMITS.samples) report.samples[finding].push(key.toString());
}
