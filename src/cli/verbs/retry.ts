import * as commands from '../../admin/commands.ts';
import { many } from '../format.ts';
import { meant, type Verb } from '../verb.ts';
import { signed } from './aim.ts';

export const retryVerb: Verb<{ code?: string; key?: string }> = {
  usage: 'retry [migration]',
  summary: 'try quarantined records again: all, those with one cause, or one',
  configure: (command) =>
    signed(command)
      .option('--code <code>', 'only those with this cause, as `target.occupied`')
      .option('--key <key>', 'only the record with this old key'),
  async run(session, [name], { code, key }) {
    const migration = meant(session, name);
    const which = { ...(code === undefined ? {} : { code }), ...(key === undefined ? {} : { key }) };
    const retried = await commands.retry(session, migration, which);
    const next = retried === 0 ? 'Nothing is quarantined that fits.' : 'A worker tries again: handover work';
    return { data: { retried }, text: `${many(retried, 'record')} taken off the list. ${next}` };
  },
};
