import * as commands from '../../admin/commands.ts';
import { campaignStatus } from '../../admin/inspect.ts';
import { paceText } from '../paceText.ts';
import { meant, type Verb } from '../verb.ts';
import { annotated, ceiling, lazy, unramped } from './aim.ts';

type Options = commands.PaceOptions & { reason?: string };

export const paceVerb: Verb<Options> = {
  usage: 'pace [migration]',
  summary: 'set how fast all workers together may go, while they go',
  configure: (command) =>
    lazy(unramped(ceiling(annotated(command)).option('--ramp', 'let it rise slowly, by the ramp'))),
  async run(session, [name], options) {
    const campaign = await commands.setPace(session, meant(session, name), options);
    const status = await campaignStatus(session, campaign);
    const { ramp = false, ceilingPerSecond } = campaign.pace ?? {};
    const bound =
      ceilingPerSecond === undefined ? 'no ceiling' : `a ceiling of ${ceilingPerSecond} operations a second`;
    const text = `${campaign.id} has ${bound} and ${ramp ? 'the' : 'no'} ramp from now on.`;
    const now = paceText(status);
    return { data: status, text: now === undefined ? text : `${text}\nNow: ${now}.` };
  },
};
