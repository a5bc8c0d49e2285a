import type { Command } from 'commander';
import { Option } from 'commander';
import * as commands from '../../admin/commands.ts';
import { campaignStatus } from '../../admin/inspect.ts';
import { LIMITS } from '../../limits.ts';
import { confirm } from '../ask.ts';
import { campaignText, targetsText } from '../statusText.ts';
import { meant, percentage, type Reply, type Session, type Verb, wholeNumber } from '../verb.ts';
import { exitAfter, waitFor } from '../wait.ts';

/** The verbs that send records somewhere: each writes the campaign's target, and may wait for what comes of it. */
interface AimOptions extends commands.PaceOptions {
  readonly share?: number;
  readonly to?: 'copied' | 'switched' | 'completed';
  readonly reason?: string;
  readonly wait?: boolean;
  readonly confirm?: string;
  readonly leaveQuarantined?: boolean;
  readonly strip?: boolean;
}

export const startVerb = aimVerb('start', 'begin a campaign, or go on with one: make copies at the new home', {
  configure: (command) =>
    lazy(unramped(ceiling(shared(command))))
      .addOption(
        new Option('--to <state>', 'how far to go without resting in between')
          .choices(['copied', 'switched', 'completed'])
          .default('copied'),
      )
      .option('--confirm <name>', 'with --to completed: the name of the migration, which is not asked for then'),
  ends: ({ to }) => to === 'completed',
  command: (session, migration, { ramp, ...options }) =>
    // What commander makes of a `--no-` option that was not given says nothing: the store decides.
    commands.start(session, migration, { ...options, ...(ramp === false ? { ramp } : {}) }),
});

export const switchVerb = aimVerb('switch', 'make the new home the owner of what was copied', {
  configure: (command) => lazy(ceiling(shared(command))),
  command: commands.switchOver,
});

export const reverseVerb = aimVerb('reverse', 'bring records home again, with what was written since', {
  configure: shared,
  command: commands.reverse,
});

export const completeVerb = aimVerb('complete', 'drop the old home: the point of no return', {
  configure: (command) =>
    confirmed(shared(command))
      .option('--leave-quarantined', 'complete although quarantined records stay in the old home')
      .option('--strip', 'when all is done, take the state off the entities'),
  ends: () => true,
  command: commands.complete,
});

export const cancelVerb = aimVerb('cancel', 'bring everything home and close the campaign', {
  configure: (command) => confirmed(waiting(command)),
  ends: () => true,
  command: commands.cancel,
});

function aimVerb(
  name: string,
  summary: string,
  about: {
    configure: (command: Command) => Command;
    /** It ends the campaign: what is ended is typed once more. */
    ends?: (options: AimOptions) => boolean;
    command: (session: Session, migration: string, options: AimOptions) => Promise<commands.Campaign>;
  },
): Verb<AimOptions> {
  return {
    usage: `${name} [migration]`,
    summary,
    configure: about.configure,
    async run(session, [migration], { wait, confirm: typed, ...options }) {
      const named = meant(session, migration);
      if (about.ends?.(options)) {
        // Before the first `start` there is no id yet.
        const ended = name === 'start' ? named : (await commands.theCampaign(session, named)).id;
        await confirm(session, ended, typed);
      }
      const campaign = await about.command(session, named, options);
      return wait ? afterWait(session, campaign) : ordered(session, campaign);
    },
  };
}

function shared(command: Command): Command {
  const share = percentage('--share');
  return waiting(command).option('--share <percent>', 'how many of the records, or of the groups, go there', share);
}

export function waiting(command: Command): Command {
  return annotated(command).option('--wait', 'run a worker here until the campaign rests');
}

const confirmed = (command: Command): Command =>
  command.option('--confirm <id>', 'the id of the campaign, which is not asked for then');

/** Who and why, for the campaign's history. */
export function annotated(command: Command): Command {
  return signed(command).option('--reason <text>', 'why, for the history');
}

export function signed(command: Command): Command {
  return command.option('--by <name>', 'who, for the history (default: the name of the user)');
}

export const ceiling = (command: Command): Command =>
  command.option('--ceiling <rate>', 'operations a second of all workers together, or none', ceilingRate);

export const unramped = (command: Command): Command =>
  command.option('--no-ramp', 'let it go at full speed at once, although the store asks for a ramp');

export const lazy = (command: Command): Command =>
  command.addOption(
    new Option('--lazy [hours]', 'move records only when they are used; the others so many hours later, slowly')
      .preset('24')
      .argParser(wholeNumber('--lazy', 0, LIMITS.lazyMostHours)),
  );

/** A number from 1, or `none`. Throws `usage.invalid`. */
function ceilingRate(text: string): number | 'none' {
  return text === 'none' ? text : wholeNumber('--ceiling', 1)(text);
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
