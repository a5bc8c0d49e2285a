import { setup } from 'xstate';

/**
 * One target entity group, a user's for example, under a campaign that switches by group: no member switches before all
 * its siblings are copied and clean, and only a `whole` group may be treated as one transaction by the application.
 * Members never call their group: each sweep looks at all of them and tells it what it saw.
 */
export type GroupEvent =
  /** A member is not copied and clean, is quarantined, or is wanted at home. */
  | { type: 'members.behind' }
  /** Every member is copied and clean, or further. */
  | { type: 'members.ready' }
  /** Every member rests at its target in the new home. */
  | { type: 'members.arrived' };

export const groupMachine = setup({
  types: { events: {} as GroupEvent },
  actions: { admit() {}, declareWhole() {}, withdrawWhole() {} },
}).createMachine({
  id: 'group',
  initial: 'gathering',
  states: {
    gathering: { on: { 'members.ready': { target: 'moving', actions: { type: 'admit' } } } },
    moving: {
      on: {
        'members.arrived': { target: 'whole', actions: { type: 'declareWhole' } },
        'members.behind': 'gathering',
      },
    },
    whole: {
      on: {
        'members.behind': { target: 'gathering', actions: { type: 'withdrawWhole' } },
        'members.ready': { target: 'moving', actions: { type: 'withdrawWhole' } },
      },
    },
  },
});

export type GroupState = 'gathering' | 'moving' | 'whole';
