import { z } from 'zod';

const at = z.number().meta({ description: 'Milliseconds since 1970' });

const difference = z.object({
  group: z.string().exactOptional().meta({ description: 'Unset: the total of records without a group' }),
  expected: z.string().meta({ description: 'As JSON, cut short' }),
  found: z.string().meta({ description: 'As JSON, cut short' }),
});

export const invariantResult = z
  .object({
    name: z.string(),
    must: z.enum(['match', 'stay', 'equals']),
    state: z.enum(['held', 'broken', 'unsettled']).meta({
      description: '`unsettled`: records kept changing, and the store shows no single moment: nothing was found out',
    }),
    records: z.number().meta({ description: 'Records that were counted in' }),
    uncompared: z.number().meta({
      description:
        'Records that have no content of the other shape to compare with, or cannot be read: they are left out',
    }),
    groups: z.number(),
    differing: z.number().meta({ description: 'Groups whose totals are not what they must be' }),
    differences: z.array(difference).meta({ description: 'The first of them' }),
    failure: z
      .string()
      .exactOptional()
      .meta({ description: 'Why it could not be computed, with the key of the record' }),
  })
  .meta({ id: 'InvariantResult' });

export const taking = z
  .object({
    at,
    state: invariantResult.shape.state.meta({ description: 'The worst of all' }),
    moment: z.boolean().meta({ description: 'Whether all was read as of one moment; else by repeated passes' }),
    passes: z.number(),
    by: z.string(),
    generation: z.number(),
    sweep: z.number(),
    stage: z.string().meta({ description: 'Where the campaign stood' }),
    results: z.array(invariantResult),
  })
  .meta({ id: 'Invariants', description: 'The totals that must hold, as they were taken last' });

export type InvariantResult = z.output<typeof invariantResult>;
export type Taking = z.output<typeof taking>;
