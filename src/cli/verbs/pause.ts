import * as commands from '../../admin/commands.ts';
import { campaignStatus } from '../../admin/inspect.ts';
import { meant, type Verb } from '../verb.ts';
import { annotated } from './aim.ts';

type Options = { reason?: string };

export const pauseVerb: Verb<Options> = {
  usage: 'pause [migration]',
  summary: 'let workers rest; what is live goes on',
  configure: annotated,
  async run(session, [name], options) {
    const campaign = await commands.pause(session, meant(session, name), options);
    const text = `${campaign.id} is ${campaign.stage}, paused: ${campaign.pausedBecause}.\nWorkers stop after the page under way.`;
    return { data: await campaignStatus(session, campaign), text };
  },
};

export const resumeVerb: Verb<Options> = {
  usage: 'resume [migration]',
  summary: 'let workers go on',
  configure: annotated,
  async run(session, [name], options) {
    const campaign = await commands.resume(session, meant(session, name), options);
    return { data: await campaignStatus(session, campaign), text: `${campaign.id} is ${campaign.stage}, running.` };
  },
};
