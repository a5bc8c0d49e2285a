import { setup } from 'xstate';

/**
 * One target entity group, a user's for example, under a campaign that switches by group: no record switches before all
 * its siblings are copied and clean. Members never call their group: each sweep looks at all of them and tells it what it
 * saw.
 *
 * Subscriptions are members too, and hold up `whole`, but no record: who posts to their URLs is asked by requests that may
 * take days, and what the application may do with its records is theirs alone to say. So the records of a group that is
 * `joined` may be treated as one transaction already.
 */
export type GroupEvent =
  /** A record is not copied and clean, is quarantined, or is wanted at home. */
  | { type: 'members.behind' }
  /** Every record is copied and clean, or further. */
  | { type: 'members.ready' }
  /** Every record rests at its target in the new home; a subscription does not yet. */
  | { type: 'records.arrived' }
  /** Every record and every subscription rests at its target. */
  | { type: 'members.arrived' };

const whole = { target: 'whole', actions: [{ type: 'declareJoined' }, { type: 'declareWhole' }] } as const;
const joined = { target: 'joined', actions: { type: 'declareJoined' } } as const;
const withdrawn = {
  'members.behind': { target: 'gathering', actions: { type: 'withdraw' } },
  'members.ready': { target: 'moving', actions: { type: 'withdraw' } },
} as const;

export const groupMachine = setup({
  types: { events: {} as GroupEvent },
  actions: { admit() {}, declareJoined() {}, declareWhole() {}, withdraw() {} },
}).createMachine({
  id: 'group',
  initial: 'gathering',
  states: {
    gathering: { on: { 'members.ready': { target: 'moving', actions: { type: 'admit' } } } },
    moving: { on: { 'records.arrived': joined, 'members.arrived': whole, 'members.behind': 'gathering' } },
    joined: { on: { 'members.arrived': { target: 'whole', actions: { type: 'declareWhole' } }, ...withdrawn } },
    whole: { on: { 'records.arrived': 'joined', ...withdrawn } },
  },
});

export const GROUP_STATES = ['gathering', 'moving', 'joined', 'whole'] as const;
export type GroupState = (typeof GROUP_STATES)[number];

/** Whether the application may treat the records of the group as one transaction. */
export const isJoined = (state: GroupState): boolean => state === 'joined' || state === 'whole';
