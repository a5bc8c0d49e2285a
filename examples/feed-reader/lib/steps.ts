import { commands, type WorkerEvents } from 'handover';

type Move = Parameters<NonNullable<WorkerEvents['moved']>>[1];

/** One command of the operator's, and what it means to the people who read their feeds meanwhile. */
export interface Step {
  readonly title: string;
  readonly meanwhile: string;
  /** What has been done to a record that is through, in a word. */
  readonly did: string;
  /** Percent of the records that move. */
  readonly share: number;
  /** The last move a record makes in this step: with it the record is through. */
  readonly lastMove: Move;
  command(context: commands.CommandContext, migration: string): Promise<commands.Campaign>;
}

export const STEPS: readonly Step[] = [
  {
    title: 'start',
    meanwhile: 'Readers are served from the old home, and write there. A copy of each record grows below its user.',
    did: 'copied',
    share: 100,
    lastMove: 'copy',
    command: (context, name) => commands.start(context, name),
  },
  {
    title: 'switch',
    meanwhile: 'Record by record, the new home becomes the one that counts. The old one stays, as the copy.',
    did: 'switched',
    share: 100,
    lastMove: 'promote',
    command: (context, name) => commands.switchOver(context, name),
  },
  {
    title: 'reverse --share 50',
    meanwhile:
      'Second thoughts: half of the records go home again, in their old shape, with all that was written since.',
    did: 'brought home',
    share: 50,
    lastMove: 'drop',
    command: (context, name) => commands.reverse(context, name, { share: 50 }),
  },
  {
    title: 'switch',
    meanwhile: 'And over once more. Readers still notice nothing: they ask the router, and it finds their records.',
    did: 'switched again',
    share: 50,
    lastMove: 'promote',
    command: (context, name) => commands.switchOver(context, name),
  },
  {
    title: 'complete',
    meanwhile: 'The old home is cleared away. Readers are served from the new one alone; there is no way back.',
    did: 'completed',
    share: 100,
    lastMove: 'drop',
    command: (context, name) => commands.complete(context, name),
  },
];
