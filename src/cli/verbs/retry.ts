import * as commands from '../../admin/commands.ts';
import { many } from '../format.ts';
import { meant, type Verb } from '../verb.ts';
import { annotated } from './aim.ts';

export const retryVerb: Verb<{ code?: string; key?: string; reason?: string }> = {
  usage: 'retry [migration]',
  summary: 'try quarantined records again: all, those with one cause, or one',
  configure: (command) =>
    annotated(command)
      .option('--code <code>', 'only those with this cause, as `target.occupied`')
      .option('--key <key>', 'only the record with this old key'),
  async run(session, [name], { code, key, reason }) {
    const migration = meant(session, name);
    const which = { ...(code === undefined ? {} : { code }), ...(key === undefined ? {} : { key }) };
    const why = reason === undefined ? {} : { reason };
    const retried = await commands.retry(session, migration, { ...which, ...why });
    const next = retried === 0 ? 'Nothing is quarantined that fits.' : 'A worker tries again: handover work';
    return { data: { retried }, text: `${many(retried, 'record')} taken off the list. ${next}` };
  },
};
