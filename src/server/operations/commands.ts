import { z } from 'zod';
import * as commands from '../../admin/commands.ts';
import { resolve } from '../../admin/resolve.ts';
import { skip } from '../../admin/skip.ts';
import { strip } from '../../admin/strip.ts';
import { upgrade } from '../../admin/upgrade.ts';
import { LIMITS } from '../../limits.ts';
import { commandedSchema } from '../command.ts';
import { type Command, campaignParams, code, key, migrationParams } from './operation.ts';

const reason = z.string().trim().min(1).max(LIMITS.reasonCharacters).meta({ description: 'Why, for the audit trail' });
const confirm = z.string().min(1).max(100).meta({ description: 'The id of the campaign, typed once more' });
const share = z
  .number()
  .gt(0)
  .max(100)
  .optional()
  .meta({ description: 'Percent of the records, or groups, that go there' });
const ceiling = z
  .union([z.literal('none'), z.number().min(1)])
  .optional()
  .meta({ description: 'Operations a second of all workers together' });
const lazy = z.number().min(0).max(LIMITS.lazyMostHours).optional().meta({
  description: 'Records move when they are used, and workers look for the others so many hours later, slowly',
});

const always = () => true;

type Said = Pick<Command, 'summary' | 'run'> & Partial<Pick<Command, 'role' | 'unconditional' | 'brake' | 'ends'>>;

const about = (id: string, fields: z.ZodRawShape, said: Said): Command => ({
  kind: 'command',
  id,
  verb: id,
  method: 'POST',
  path: `/v1/campaigns/:id/${id}`,
  role: 'operator',
  params: campaignParams,
  body: z.strictObject({ reason, ...(said.ends ? { confirm } : {}), ...fields }),
  answer: commandedSchema,
  ...said,
});

/** Sends records somewhere, or says how: everything that changes a campaign. */
export const COMMANDS: readonly Command[] = [
  {
    ...about(
      'start',
      {
        to: z.enum(['copied', 'switched', 'completed']).default('copied'),
        share,
        ceiling,
        ramp: z.literal(false).optional(),
        lazy,
        confirm: confirm.optional().meta({ description: 'The name of the migration, where `to` is completed' }),
      },
      {
        summary: 'Begins a campaign, or goes on with one: copies are made at the new home',
        run: commands.start,
        ends: ({ to }) => to === 'completed',
      },
    ),
    path: '/v1/migrations/:name/start',
    params: migrationParams,
  },
  about('switch', { share, ceiling, lazy }, { summary: 'Makes the new home the owner', run: commands.switchOver }),
  about('reverse', { share }, { summary: 'Brings records home, with what was written since', run: commands.reverse }),
  about(
    'complete',
    { share, leaveQuarantined: z.boolean().optional(), strip: z.boolean().optional() },
    { summary: 'Drops the old home: the point of no return', role: 'admin', ends: always, run: commands.complete },
  ),
  about(
    'cancel',
    {},
    { summary: 'Brings everything home and closes the campaign', role: 'admin', ends: always, run: commands.cancel },
  ),
  about('strip', {}, { summary: 'Takes the state off the entities of a campaign that is over', run: strip }),
  about(
    'pause',
    {},
    { summary: 'Lets workers rest; what is live goes on', unconditional: true, brake: true, run: commands.pause },
  ),
  about('resume', {}, { summary: 'Lets workers go on', run: commands.resume }),
  about(
    'pace',
    { ceiling, ramp: z.boolean().optional(), lazy },
    { summary: 'Sets how fast workers may go', run: commands.setPace },
  ),
  about(
    'upgrade',
    {},
    { summary: 'Lets an open campaign go on under the newest version of its migration', run: upgrade },
  ),
  about(
    'retry',
    { code: code.optional(), key: key.optional() },
    { summary: 'Tries quarantined records again', unconditional: true, run: commands.retry },
  ),
  about(
    'skip',
    { code: code.optional(), key: key.optional() },
    { summary: 'Lets quarantined records stay in the old home: one, or all with one cause', run: skip },
  ),
  about(
    'resolve',
    { keep: z.enum(['old', 'new']), code: code.optional(), key: key.optional() },
    { summary: 'Chooses which of two entities is the record', run: resolve },
  ),
];
