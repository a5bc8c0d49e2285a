import { commands, type WorkerEvents } from 'handover';

type Move = Parameters<NonNullable<WorkerEvents['moved']>>[1];

/** One command of the operator's, and what it means to the people who read their feeds meanwhile. */
export interface Step {
  readonly title: string;
  readonly meanwhile: string;
  /** What has been done to a record that is through, in a word. */
  readonly did: string;
  /** Percent of the records that move: all, or the half that was reversed. */
  readonly share: 100 | 50;
  /** The last move a record makes in this step: with it the record is through. */
  readonly lastMove: Move;
  /** `ceiling`: operations a second, at most; the first step lays it down. */
  command(context: commands.CommandContext, migration: string, ceiling?: number): Promise<commands.Campaign>;
}

export const STEPS: readonly Step[] = [
  {
    title: 'start',
    meanwhile: 'Readers use the old home, and write there. Below each user a copy grows; new URLs are subscribed.',
    did: 'copied',
    share: 100,
    lastMove: 'copy',
    command: (context, name, ceiling) => commands.start(context, name, ceiling === undefined ? {} : { ceiling }),
  },
  {
    title: 'switch',
    meanwhile: 'User by user, never before all of a user are copied, the new home becomes the one that is used.',
    did: 'switched',
    share: 100,
    lastMove: 'promote',
    command: (context, name) => commands.switchOver(context, name),
  },
  {
    title: 'reverse --share 50',
    meanwhile: 'Second thoughts: half of the users go home, with all that was written since.',
    did: 'brought home',
    share: 50,
    lastMove: 'drop',
    command: (context, name) => commands.reverse(context, name, { share: 50 }),
  },
  {
    title: 'switch',
    meanwhile: 'And over once more. Readers ask the router, which finds each record.',
    did: 'switched again',
    share: 50,
    lastMove: 'promote',
    command: (context, name) => commands.switchOver(context, name),
  },
  {
    title: 'complete',
    meanwhile: 'The old home is cleared. Readers use the new one alone; no way back.',
    did: 'completed',
    share: 100,
    lastMove: 'drop',
    command: (context, name) => commands.complete(context, name),
  },
];
