import { setup } from 'xstate';
import type { Move, Side, Target } from './moves.ts';

/**
 * The journey of one record between its old home S and its new home T.
 *
 * A state is what the two entities say of themselves, as read: there is no state that is not in the store. An event is
 * where the operator wants the record; the transition names the one move that brings it nearer and the state that the
 * move leaves behind. No transition means: at rest, or somebody else's turn. The rules and their ids (P1 to P6) are in
 * docs/PROTOCOL.md.
 *
 * `stale` states differ from their twins in one thing: the shadow was made from other content than the truth is now.
 */
export type RecordEvent = { type: `want.${Target}` } | { type: `together.${Target}` };

const step = (target: string, { type, ...params }: Move) => ({ target, actions: { type, params } });
const copy = (at: Side, target: string) => step(target, { type: 'copy', at });
const refresh = (at: Side, target: string) => step(target, { type: 'refresh', at });
const cede = (at: Side, target: string) => step(target, { type: 'cede', at });
const promote = (at: Side, target: string) => step(target, { type: 'promote', at });
const demote = (at: Side, target: string) => step(target, { type: 'demote', at });
const drop = (at: Side, target: string) => step(target, { type: 'drop', at });
const pass = (at: Side, leave: 'ceded' | 'nothing', target: string) => step(target, { type: 'pass', at, leave });

/** The same step wherever the operator wants the record. */
const always = (to: ReturnType<typeof step>) => ({
  'want.home': to,
  'want.copied': to,
  'want.switched': to,
  'want.completed': to,
});

/** Where S and T fit into one atomic commit, the truth passes at once; the states are the same, some are skipped. */
const forwardTogether = {
  'together.switched': pass('T', 'ceded', 'switched'),
  'together.completed': pass('T', 'nothing', 'completed'),
};
const backTogether = { 'together.home': pass('S', 'nothing', 'atHome') };

const states = {
  absent: {},

  // ------------------------------------------------------------ S holds the truth
  atHome: {
    on: {
      'want.copied': copy('T', 'copied'),
      'want.switched': copy('T', 'copied'),
      'want.completed': copy('T', 'copied'),
      ...forwardTogether,
    },
  },
  copied: {
    on: {
      'want.home': drop('T', 'atHome'),
      'want.switched': cede('S', 'handingOver'),
      'want.completed': cede('S', 'handingOver'),
      ...forwardTogether,
    },
  },
  copiedStale: {
    on: {
      'want.home': drop('T', 'atHome'),
      'want.copied': refresh('T', 'copied'),
      'want.switched': refresh('T', 'copied'),
      'want.completed': refresh('T', 'copied'),
      ...forwardTogether,
    },
  },
  returned: {
    on: {
      'want.home': drop('T', 'atHome'),
      'want.copied': demote('T', 'copied'),
      'want.switched': demote('T', 'copied'),
      'want.completed': demote('T', 'copied'),
    },
  },

  // ------------------------------------------------------------ S gave it away, T has not taken it: always finish
  handingOverAlone: { on: always(copy('T', 'handingOver')) },
  handingOver: { on: always(promote('T', 'switched')) },
  handingOverStale: { on: always(refresh('T', 'handingOver')) },

  // ------------------------------------------------------------ T holds the truth
  switched: {
    on: {
      'want.home': demote('S', 'reversible'),
      'want.copied': demote('S', 'reversible'),
      'want.completed': drop('S', 'completed'),
      ...backTogether,
    },
  },
  reversible: {
    on: {
      'want.home': cede('T', 'handingBack'),
      'want.copied': cede('T', 'handingBack'),
      'want.completed': drop('S', 'completed'),
      ...backTogether,
    },
  },
  reversibleStale: {
    on: {
      'want.home': refresh('S', 'reversible'),
      'want.copied': refresh('S', 'reversible'),
      'want.completed': drop('S', 'completed'),
      ...backTogether,
    },
  },
  completed: {
    on: { 'want.home': copy('S', 'reversible'), 'want.copied': copy('S', 'reversible'), ...backTogether },
  },

  // ------------------------------------------------------------ T gave it away, S has not taken it: always finish
  handingBackAlone: { on: always(copy('S', 'handingBack')) },
  handingBack: { on: always(promote('S', 'returned')) },
  handingBackStale: { on: always(refresh('S', 'handingBack')) },

  // ------------------------------------------------------------ deleted: the other side first, then the tombstone
  deletedHome: { on: always(drop('S', 'absent')) },
  deletedHomePeer: { on: always(drop('T', 'deletedHome')) },
  deletedAway: { on: always(drop('T', 'absent')) },
  deletedAwayPeer: { on: always(drop('S', 'deletedAway')) },

  // ------------------------------------------------------------ shadows of nothing: the record was deleted
  orphan: { on: always(drop('T', 'absent')) },
  orphanHome: { on: always(drop('S', 'absent')) },
  orphans: { on: always(drop('T', 'orphanHome')) },

  // ------------------------------------------------------------ an insert that was announced: its client settles it
  birth: {},
  birthLost: { on: always(drop('S', 'completed')) },
  birthLostCeded: { on: always(drop('S', 'handingBackAlone')) },
  birthLostDeleted: { on: always(drop('S', 'deletedAway')) },

  // ------------------------------------------------------------ never chosen silently
  split: { on: always(step('split', { type: 'quarantine', cause: 'record.split' })) },
  corrupt: { on: always(step('corrupt', { type: 'quarantine', cause: 'record.corrupt' })) },
};

export type RecordState = keyof typeof states;

export const recordMachine = setup({
  types: { events: {} as RecordEvent },
  // Effects are data: naming them is all the machine does.
  actions: { copy() {}, refresh() {}, cede() {}, promote() {}, demote() {}, drop() {}, pass() {}, quarantine() {} },
}).createMachine({ id: 'record', initial: 'atHome', states });

/** What one side says of itself: nothing there, owner, tombstone (an owner that says "deleted"), shadow, ceded, birth. */
export type SideRole = '-' | 'O' | 'X' | 'H' | 'C' | 'B';

/** The state of each pair (S then T) of roles. Where a shadow is compared, this is the fresh twin. */
export const PAIR_STATES = {
  '--': 'absent',
  'O-': 'atHome',
  OH: 'copied',
  OC: 'returned',
  OO: 'split',
  'C-': 'handingOverAlone',
  CH: 'handingOver',
  CO: 'switched',
  CC: 'corrupt',
  'H-': 'orphanHome',
  HH: 'orphans',
  HO: 'reversible',
  HC: 'handingBack',
  '-H': 'orphan',
  '-O': 'completed',
  '-C': 'handingBackAlone',
  'X-': 'deletedHome',
  XH: 'deletedHomePeer',
  XC: 'deletedHomePeer',
  '-X': 'deletedAway',
  HX: 'deletedAwayPeer',
  CX: 'deletedAwayPeer',
  // Two owners, one of them a tombstone, are a split like any other.
  XO: 'split',
  OX: 'split',
  XX: 'split',
  'B-': 'birth',
  BH: 'birth',
  BO: 'birthLost',
  BC: 'birthLostCeded',
  BX: 'birthLostDeleted',
  // Births are announced at S only.
  '-B': 'corrupt',
  OB: 'corrupt',
  XB: 'corrupt',
  HB: 'corrupt',
  CB: 'corrupt',
  BB: 'corrupt',
} as const satisfies Record<`${SideRole}${SideRole}`, RecordState>;

/** The twins of the states in which a shadow is compared with the truth. */
export const STALE = {
  copied: 'copiedStale',
  handingOver: 'handingOverStale',
  reversible: 'reversibleStale',
  handingBack: 'handingBackStale',
} as const satisfies Partial<Record<RecordState, RecordState>>;
