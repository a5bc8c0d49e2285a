import { setup } from 'xstate';
import type { Move, Side, Target } from './moves.ts';

/**
 * The journey of a record that is rewritten in place: S are its old properties, T its new ones, and both stand in one
 * entity, so that every move is one compare-and-set of that entity and nobody sees half of it. No role is needed for what
 * is on the way: the slot says which of the two is the record, and what both said when they were written last by somebody
 * who knows of slots. By that, what others wrote since is told from what they did not.
 */
export type FieldEvent = { type: `want.${Target}` };

type FieldMove = Extract<Move['type'], 'copy' | 'refresh' | 'promote' | 'drop'>;
const at = (type: FieldMove, side: Side, target: string) => ({ target, actions: { type, params: { at: side } } });
const quarantine = { target: 'split', actions: { type: 'quarantine', params: { cause: 'record.split' } } } as const;

type Step = ReturnType<typeof at> | typeof quarantine;
const onward = (to: Step) => ({ 'want.copied': to, 'want.switched': to, 'want.completed': to });
const away = (to: Step) => ({ 'want.switched': to, 'want.completed': to });
const back = (to: Step) => ({ 'want.home': to, 'want.copied': to });
const always = (to: Step) => ({ 'want.home': to, ...onward(to) });

const states = {
  absent: {},

  // ------------------------------------------------------------ the old properties are the record
  atHome: { on: onward(at('copy', 'T', 'copied')) },
  copied: { on: { 'want.home': at('drop', 'T', 'atHome'), ...away(at('promote', 'T', 'switched')) } },
  copiedStale: { on: { 'want.home': at('drop', 'T', 'atHome'), ...onward(at('refresh', 'T', 'copied')) } },

  // ------------------------------------------------------------ the new ones are
  switched: { on: { ...back(at('promote', 'S', 'copied')), 'want.completed': at('drop', 'S', 'completed') } },
  switchedStale: {
    on: {
      ...back(at('refresh', 'S', 'switched')),
      'want.switched': at('refresh', 'S', 'switched'),
      'want.completed': at('drop', 'S', 'completed'),
    },
  },
  completed: { on: back(at('copy', 'S', 'switched')) },

  // ------------------------------------------------------------ an old instance wrote, and nobody else since: it is right
  overwritten: { on: always(at('refresh', 'T', 'switched')) },
  // ------------------------------------------------------------ the record's own side was taken away: so is its copy
  clearedHome: { on: always(at('drop', 'T', 'absent')) },
  clearedAway: { on: always(at('drop', 'S', 'absent')) },

  // ------------------------------------------------------------ never chosen silently
  split: { on: always(quarantine) },
};

export type FieldState = keyof typeof states;

export const fieldMachine = setup({
  types: { events: {} as FieldEvent },
  // Effects are data: naming them is all the machine does.
  actions: { copy() {}, refresh() {}, promote() {}, drop() {}, quarantine() {} },
}).createMachine({ id: 'field', initial: 'atHome', states });
