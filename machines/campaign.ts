import { setup } from 'xstate';
import type { CampaignEffect, Target } from './moves.ts';

/**
 * One run of a migration, the operator's. Commands and the outcomes of sweeps are its events; `aim` is all it does to
 * records: workers compare each record with its target and make the next move. A command that no transition answers is
 * refused. Conditions that need data (is the copy clean, is anything quarantined) are gates of the commands, not states.
 */
export type CampaignEvent =
  | { type: 'start' | 'start.switched' | 'start.completed' | 'switch' | 'complete' | 'reverse' | 'upgrade' | 'cancel' }
  | { type: 'pause' | 'resume' | 'budget.exceeded' | 'invariant.broken' | 'hook.failed' }
  /** Every record the sweep saw rests at one and the same target. */
  | { type: 'sweep.settled' }
  /** Every record rests at its target, but the targets differ: a share was sent on, or back. */
  | { type: 'sweep.settledPartlySwitched' | 'sweep.settledPartlyCopied' };

const effect = ({ type, ...params }: CampaignEffect) => ({ type, params });
const aim = (state: string, target: Target) => ({
  target: state,
  actions: effect({ type: 'aim', target }),
});
const start = {
  start: aim('copying', 'copied'),
  'start.switched': aim('switching', 'switched'),
  'start.completed': aim('completing', 'completed'),
};
const forward = { switch: aim('switching', 'switched') };
const complete = { complete: aim('completing', 'completed') };
const back = {
  reverse: aim('reversing', 'home'),
  upgrade: aim('upgrading', 'home'),
  cancel: aim('cancelling', 'home'),
};

export const campaignMachine = setup({
  types: { events: {} as CampaignEvent },
  actions: { aim() {}, openSwitchGate() {}, adopt() {}, close() {} },
}).createMachine({
  id: 'campaign',
  type: 'parallel',
  states: {
    stage: {
      initial: 'draft',
      states: {
        draft: { on: { ...start, cancel: { target: 'cancelled', actions: effect({ type: 'close' }) } } },
        copying: {
          on: {
            'sweep.settled': { target: 'copied', actions: effect({ type: 'openSwitchGate' }) },
            start: start.start,
            ...back,
          },
        },
        copied: { on: { start: start.start, ...forward, ...back } },
        switching: {
          on: {
            // Started straight for here, the copy was made and checked record by record on the way.
            'sweep.settled': { target: 'switched', actions: effect({ type: 'openSwitchGate' }) },
            ...forward,
            ...back,
          },
        },
        switched: { on: { ...forward, ...complete, ...back } },
        completing: {
          on: { 'sweep.settled': { target: 'completed', actions: effect({ type: 'close' }) }, ...complete, ...back },
        },
        completed: {},
        reversing: {
          on: {
            'sweep.settled': 'home',
            'sweep.settledPartlySwitched': 'switching',
            'sweep.settledPartlyCopied': 'copying',
            ...start,
            ...forward,
            ...back,
          },
        },
        home: { on: { ...start, ...forward, ...back } },
        upgrading: {
          on: {
            'sweep.settled': { target: 'home', actions: effect({ type: 'adopt' }) },
            ...start,
            ...forward,
            ...back,
          },
        },
        cancelling: {
          on: { 'sweep.settled': { target: 'cancelled', actions: effect({ type: 'close' }) }, start: start.start },
        },
        cancelled: {},
      },
    },
    run: {
      initial: 'running',
      states: {
        running: {
          on: { pause: 'paused', 'budget.exceeded': 'paused', 'invariant.broken': 'paused', 'hook.failed': 'paused' },
        },
        paused: { on: { resume: 'running' } },
      },
    },
  },
});

export const STAGES = [
  'draft',
  'copying',
  'copied',
  'switching',
  'switched',
  'completing',
  'completed',
  'reversing',
  'home',
  'upgrading',
  'cancelling',
  'cancelled',
] as const;
export type Stage = (typeof STAGES)[number];
export type Run = 'running' | 'paused';
