import { z } from 'zod';

export const undeclaredSchema = z
  .object({
    kind: z.string().meta({ description: 'The kinds of the path of those that hold such keys' }),
    property: z.string(),
    to: z.string().meta({ description: 'Whose keys they are: `from` of a rule' }),
    count: z.number().meta({ description: 'How many of the sample hold one' }),
    sampled: z.number().meta({ description: 'Entities of the kind that were looked at' }),
    sample: z.string().meta({ description: 'The key of one of them' }),
  })
  .meta({ id: 'Undeclared', description: 'Keys of records that move, in a property that no rule mentions' });

export const referencesSchema = z
  .object({
    referring: z.number().meta({ description: 'Entities looked at that may refer to records' }),
    stale: z.number().meta({
      description: 'References by a key of the home that the record has left: nobody finds it there any more',
    }),
    dangling: z.number().meta({
      description: 'References that lead to no record in either home. They do not make a campaign unclean',
    }),
    unchecked: z.number().meta({
      description: 'Of them, such as were too many to remember: whether their records have moved is not known',
    }),
  })
  .meta({ id: 'ReferencesReport', description: 'Where rules of the migration have `references`' });

export const referencePlanSchema = z
  .object({
    kind: z.string(),
    properties: z.array(z.string()),
    entities: z.number().meta({ description: 'Entities that may refer to records; every sweep reads them' }),
    reads: z
      .number()
      .meta({ description: 'Entities that a sweep reads for them, with both sides of each record that is meant' }),
    writes: z
      .number()
      .meta({ description: 'Entities that are written when all records have switched, and again by `reverse`' }),
    dangling: z.number().meta({ description: 'Keys among them at which nothing stands' }),
    samples: z.array(z.string()).meta({ description: 'Keys of some that hold such a key' }),
  })
  .meta({ id: 'ReferencePlan' });

export type Undeclared = z.output<typeof undeclaredSchema>;
export type ReferencePlan = z.output<typeof referencePlanSchema>;
