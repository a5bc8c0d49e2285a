import { campaignStatus } from '../../admin/inspect.ts';
import { strip } from '../../admin/strip.ts';
import { campaignText } from '../statusText.ts';
import { meant, type Verb } from '../verb.ts';
import { exitAfter, waitFor } from '../wait.ts';
import { waiting } from './aim.ts';

type Options = { reason?: string; wait?: boolean };

export const stripVerb: Verb<Options> = {
  usage: 'strip [migration]',
  summary: 'take the state off the entities of a campaign that is over',
  configure: waiting,
  async run(session, [name], { wait, ...options }) {
    const campaign = await strip(session, meant(session, name), options);
    if (!wait) {
      const text = `${campaign.id} is ${campaign.stage}, and to be stripped.\nA worker does it: handover work, or --wait with this command.`;
      return { data: await campaignStatus(session, campaign), text };
    }
    const status = await waitFor(session, campaign.id);
    return { data: status, text: campaignText(status), exit: exitAfter(status) };
  },
};
