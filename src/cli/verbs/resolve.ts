import { Option } from 'commander';
import { resolve } from '../../admin/resolve.ts';
import { many } from '../format.ts';
import { meant, type Verb } from '../verb.ts';
import { annotated } from './aim.ts';

type Options = { keep?: 'old' | 'new'; key?: string; code?: string; reason?: string };

export const resolveVerb: Verb<Options> = {
  usage: 'resolve [migration]',
  summary: 'choose which of two entities is the record, for one or for all with one cause',
  configure: (command) =>
    annotated(command)
      .addOption(
        new Option('--keep <home>', 'whose entity stays; the other one is kept under the campaign')
          .choices(['old', 'new'])
          .makeOptionMandatory(),
      )
      .option('--key <key>', 'the record with this old key')
      .option('--code <code>', 'all with this cause, as `record.split`'),
  async run(session, [name], { keep, ...which }) {
    const resolved = await resolve(session, meant(session, name), { keep: keep!, ...which });
    return {
      data: { resolved },
      text: `${many(resolved, 'record')} to be settled so. A worker does it: handover work`,
    };
  },
};
