import { campaignStatus } from '../../admin/inspect.ts';
import { upgrade } from '../../admin/upgrade.ts';
import { meant, type Verb } from '../verb.ts';
import { annotated } from './aim.ts';

export const upgradeVerb: Verb<{ reason?: string }> = {
  usage: 'upgrade [migration]',
  summary: 'let an open campaign go on under the newest version of its migration',
  configure: annotated,
  async run(session, [name], options) {
    const campaign = await upgrade(session, meant(session, name), options);
    const { id, stage, migrationVersion, pending, upgradeTo } = campaign;
    const comes = pending?.upgradeTo ?? upgradeTo;
    const text = comes
      ? `${id} is ${stage}. Everything comes home by version ${migrationVersion}, then version ${comes.version} takes over: handover work`
      : `${id} is ${stage}, under version ${migrationVersion}.\nCopies of another version are made anew: handover work`;
    return { data: await campaignStatus(session, campaign), text };
  },
};
