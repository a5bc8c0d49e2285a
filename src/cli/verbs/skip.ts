import { skip } from '../../admin/skip.ts';
import { many } from '../format.ts';
import { meant, type Verb } from '../verb.ts';
import { annotated } from './aim.ts';

export const skipVerb: Verb<{ code?: string; key?: string; reason?: string }> = {
  usage: 'skip [migration]',
  summary: 'let quarantined records stay in the old home: one, or all with one cause',
  configure: (command) =>
    annotated(command)
      .option('--code <code>', 'all with this cause, also those that are found later')
      .option('--key <key>', 'the record with this old key'),
  async run(session, [name], options) {
    const skipped = await skip(session, meant(session, name), options);
    const text =
      skipped === 0
        ? 'Nothing is quarantined that fits.'
        : `${many(skipped, 'record')} may stay in the old home. Back: handover retry with the same option.`;
    return { data: { skipped }, text };
  },
};
