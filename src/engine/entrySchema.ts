import { z } from 'zod';
import { TARGETS } from '../../machines/moves.ts';

export const targets = z.array(z.object({ below: z.number(), target: z.enum(TARGETS) })).min(1);

/** Where a command may come from. `worker`: a campaign that paused itself. */
const WAYS = ['cli', 'api', 'page', 'worker'] as const;

/** A command, as the audit trail keeps it. */
export const entry = z
  .object({
    at: z.number(),
    by: z.string(),
    what: z.string(),
    /** Which call wrote it: so a call whose answer was lost finds its own entry. */
    id: z.string().optional(),
    /** What that call asked for, digested: its id must not be used for anything else. */
    asked: z.string().optional(),
    reason: z.string().optional(),
    /** Records it was about, where it names some. */
    records: z.number().optional(),
    targets: targets.optional(),
    from: z.object({ way: z.enum(WAYS), address: z.string().optional() }).optional(),
  })
  .meta({ id: 'Entry', description: 'A command, as the audit trail keeps it' });

/** The same with its number, from 0, which never changes. */
export const numberedEntry = z
  .object({ number: z.number(), ...entry.shape })
  .meta({ id: 'AuditEntry', description: 'A command, with its number in the audit trail' });
