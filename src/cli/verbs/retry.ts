import * as commands from '../../admin/commands.ts';
import { many } from '../format.ts';
import { meant, type Verb } from '../verb.ts';
import { annotated } from './aim.ts';

export const retryVerb: Verb<{ code?: string; key?: string; reason?: string }> = {
  usage: 'retry [migration]',
  summary: 'try quarantined records again: all, those with one cause, or one; or else what is stuck',
  configure: (command) =>
    annotated(command)
      .option('--code <code>', 'only those with this cause, as `target.occupied`')
      .option('--key <key>', 'only the record with this old key'),
  async run(session, [name], { code, key, reason }) {
    const migration = meant(session, name);
    const which = { ...(code === undefined ? {} : { code }), ...(key === undefined ? {} : { key }) };
    const why = reason === undefined ? {} : { reason };
    const { records, ranges } = await commands.retry(session, migration, { ...which, ...why });
    const data = { retried: records, ...(ranges > 0 ? { ranges } : {}) };
    if (ranges > 0) return { data, text: `${many(ranges, 'stuck range')} given back. A worker goes on: handover work` };
    const next = records === 0 ? 'Nothing is quarantined that fits.' : 'A worker tries again: handover work';
    return { data, text: `${many(records, 'record')} taken off the list. ${next}` };
  },
};
