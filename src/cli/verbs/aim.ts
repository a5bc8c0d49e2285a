import type { Command } from 'commander';
import { Option } from 'commander';
import * as commands from '../../admin/commands.ts';
import { campaignStatus } from '../../admin/inspect.ts';
import { campaignText, targetsText } from '../statusText.ts';
import { meant, percentage, type Reply, type Session, type Verb } from '../verb.ts';
import { exitAfter, waitFor } from '../wait.ts';

/** The verbs that send records somewhere: each writes the campaign's target, and may wait for what comes of it. */
interface AimOptions {
  readonly share?: number;
  readonly to?: 'copied' | 'switched' | 'completed';
  readonly reason?: string;
  readonly wait?: boolean;
  readonly leaveQuarantined?: boolean;
}

export const startVerb = aimVerb('start', 'begin a campaign, or go on with one: make copies at the new home', {
  configure: (command) =>
    shared(command).addOption(
      new Option('--to <state>', 'how far to go without resting in between')
        .choices(['copied', 'switched', 'completed'])
        .default('copied'),
    ),
  command: commands.start,
});

export const switchVerb = aimVerb('switch', 'make the new home the owner of what was copied', {
  configure: shared,
  command: commands.switchOver,
});

export const reverseVerb = aimVerb('reverse', 'bring records home again, with what was written since', {
  configure: shared,
  command: commands.reverse,
});

export const completeVerb = aimVerb('complete', 'drop the old home: the point of no return', {
  configure: (command) =>
    shared(command).option('--leave-quarantined', 'complete although quarantined records stay in the old home'),
  command: commands.complete,
});

export const cancelVerb = aimVerb('cancel', 'bring everything home and close the campaign', {
  configure: waiting,
  command: commands.cancel,
});

function aimVerb(
  name: string,
  summary: string,
  about: {
    configure: (command: Command) => Command;
    command: (session: Session, migration: string, options: AimOptions) => Promise<commands.Campaign>;
  },
): Verb<AimOptions> {
  return {
    usage: `${name} [migration]`,
    summary,
    configure: about.configure,
    async run(session, [migration], { wait, ...options }) {
      const campaign = await about.command(session, meant(session, migration), options);
      return wait ? afterWait(session, campaign) : ordered(session, campaign);
    },
  };
}

function shared(command: Command): Command {
  const share = percentage('--share');
  return waiting(command).option('--share <percent>', 'how many of the records, or of the groups, go there', share);
}

function waiting(command: Command): Command {
  return annotated(command).option('--wait', 'run a worker here until the campaign rests');
}

/** Who and why, for the campaign's history. */
export function annotated(command: Command): Command {
  return signed(command).option('--reason <text>', 'why, for the history');
}

export function signed(command: Command): Command {
  return command.option('--by <name>', 'who, for the history (default: the name of the user)');
}

async function afterWait(session: Session, { id }: commands.Campaign): Promise<Reply> {
  const status = await waitFor(session, id);
  return { data: status, text: campaignText(status), exit: exitAfter(status) };
}

async function ordered(session: Session, campaign: commands.Campaign): Promise<Reply> {
  const { id, stage, closed } = campaign;
  const status = await campaignStatus(session, campaign);
  const text = closed
    ? `${id} is ${stage}.`
    : `${id} is ${stage}. Wanted: ${targetsText(campaign.targets)}.\nA worker brings it on: handover work, or --wait with this command.`;
  return { data: status, text };
}
