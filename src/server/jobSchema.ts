import { z } from 'zod';
import type { Wire } from '../wire.ts';
import { problemSchema } from './problems.ts';

const at = z.number().meta({ description: 'Milliseconds since 1970' });

/** What takes longer than somebody waits for an answer. */
const jobSchema = z.object({
  id: z.string(),
  what: z.string().meta({ description: 'The operation that began it' }),
  of: z.string().meta({ description: 'The campaign or the migration' }),
  by: z.string(),
  startedAt: at,
  state: z
    .enum(['running', 'done', 'stopped', 'failed'])
    .meta({ description: 'Stopped: somebody ended it, or the server ended' }),
  seen: z.number().meta({ description: 'Records that were looked at' }),
  expected: z.number().exactOptional().meta({ description: 'How many it will come to, where that is known' }),
  endedAt: at.exactOptional(),
  problem: problemSchema.exactOptional().meta({ description: 'Why it failed' }),
});

export const jobsSchema = z
  .object({ jobs: z.array(jobSchema.meta({ id: 'JobSummary', description: 'A job, without its result' })) })
  .meta({ id: 'Jobs' });

/** A job of one operation, and what comes of it. */
export const jobOf = (what: string, result: z.ZodType) =>
  z
    .object({
      ...jobSchema.shape,
      what: z.literal(what),
      result: z.exactOptional(result).meta({ description: 'What came of it, when it is done' }),
    })
    .meta({ id: `${what[0]!.toUpperCase()}${what.slice(1)}Job` });

export type Job = Wire<ReturnType<typeof jobOf>>;
