import * as commands from '../../admin/commands.ts';
import { campaignStatus } from '../../admin/inspect.ts';
import { many } from '../format.ts';
import { meant, type Verb } from '../verb.ts';
import { annotated } from './aim.ts';

export const retryVerb: Verb<{ code?: string; key?: string; reason?: string }> = {
  usage: 'retry [migration]',
  summary: 'try quarantined records again: all, those with one cause, or one; with all, also what is stuck',
  configure: (command) =>
    annotated(command)
      .option('--code <code>', 'only those with this cause, as `target.occupied`')
      .option('--key <key>', 'only the record with this old key'),
  async run(session, [name], { code, key, reason }) {
    const migration = meant(session, name);
    const which = { ...(code === undefined ? {} : { code }), ...(key === undefined ? {} : { key }) };
    const why = reason === undefined ? {} : { reason };
    const all = code === undefined && key === undefined;
    const stuck = all
      ? ((await campaignStatus(session, await commands.theCampaign(session, migration))).stuck ?? [])
      : [];
    const retried = await commands.retry(session, migration, { ...which, ...why });
    if (stuck.length > 0 && retried <= stuck.length) {
      const text = `${many(retried, 'stuck range')} given back to the workers, which try again: handover work`;
      return { data: { retried }, text };
    }
    const next = retried === 0 ? 'Nothing is quarantined that fits.' : 'A worker tries again: handover work';
    return { data: { retried }, text: `${many(retried, 'record')} taken off the list. ${next}` };
  },
};
