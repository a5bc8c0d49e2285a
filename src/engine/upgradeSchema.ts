import { z } from 'zod';

/** What stays the same from one version of a migration to the next (define/outline.ts). */
export const outline = z.object({
  by: z.string(),
  namespace: z.string(),
  records: z.array(z.string()).readonly(),
  fields: z.array(z.string()).readonly().optional(),
  refers: z.boolean().optional(),
  rest: z.string().optional(),
});

/** A definition that is to take over from the campaign's. */
export const upgradeTo = z.object({ version: z.number(), definition: z.string(), outline });
