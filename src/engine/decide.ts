import { type AnyStateMachine, initialTransition, transition } from 'xstate';
import { type CampaignEvent, campaignMachine, type Run, type Stage } from '../../machines/campaign.ts';
import { type FieldEvent, type FieldState, fieldMachine } from '../../machines/field.ts';
import { type GroupEvent, type GroupState, groupMachine } from '../../machines/group.ts';
import {
  type CampaignEffect,
  type GroupEffect,
  type Move,
  type SubscriptionEffect,
  TARGETS,
  type Target,
} from '../../machines/moves.ts';
import { type RecordEvent, type RecordState, recordMachine } from '../../machines/record.ts';
import { type SubscriptionEvent, type SubscriptionState, subscriptionMachine } from '../../machines/subscription.ts';
import { type SwapState, swapMachine } from '../../machines/swap.ts';

/**
 * The one place that runs the machines. They are pure and their states finite, so each (state, event) is worked out once
 * per process and remembered: a transition costs about 30 µs, a look-up nothing.
 */
export interface Decision<State, Effect> {
  readonly next: State;
  readonly effects: readonly Effect[];
}

function memoise<State, Event extends string, Effect>(machine: AnyStateMachine, keyOf: (state: State) => string) {
  const table = new Map<string, Map<Event, Decision<State, Effect> | null>>();
  return (state: State, event: Event): Decision<State, Effect> | null => {
    const name = keyOf(state);
    const row = table.get(name) ?? new Map<Event, Decision<State, Effect> | null>();
    if (row.size === 0) table.set(name, row);
    let decision = row.get(event);
    if (decision === undefined) {
      decision = evaluate<State, Effect>(machine, state, event);
      row.set(event, decision);
    }
    return decision;
  };
}

/** What the machine itself says; null when it has no transition. */
export function evaluate<State, Effect>(
  machine: AnyStateMachine,
  state: State,
  event: string,
): Decision<State, Effect> | null {
  const [base] = initialTransition(machine);
  const at = machine.resolveState({ value: state as never, context: base.context });
  if (!at.can({ type: event })) return null;
  const [next, actions] = transition(machine, at, { type: event });
  return { next: next.value as State, effects: actions.map((action) => effectOf<Effect>(action)) };
}

/** In a chart an effect stands as an action: its type, and all else it says as the action's parameters. */
function effectOf<Effect>(action: { type: string; params?: unknown }): Effect {
  return { type: action.type, ...(action.params as object | undefined) } as Effect;
}

const names = <Prefix extends 'want' | 'together'>(prefix: Prefix) =>
  Object.fromEntries(TARGETS.map((target) => [target, `${prefix}.${target}`])) as Record<Target, `${Prefix}.${Target}`>;
const WANT = names('want');
const TOGETHER = names('together');

const recordTable = memoise<RecordState, RecordEvent['type'], Move>(recordMachine, (state) => state);

/**
 * The one move that brings a record nearer to its target; null at rest. `together` says that S and T fit into one
 * atomic commit; where the machine has no short path for it, the ordinary one is taken.
 */
export function nextMove(state: RecordState, target: Target, together: boolean): Move | null {
  const decision = (together ? recordTable(state, TOGETHER[target]) : null) ?? recordTable(state, WANT[target]);
  return decision?.effects[0] ?? null;
}

/** The same for one that is rewritten in place. */
export const fieldStep = memoise<FieldState, FieldEvent['type'], Move>(fieldMachine, (state) => state);

export interface CampaignState {
  readonly stage: Stage;
  readonly run: Run;
}

const campaignTable = memoise<CampaignState, CampaignEvent['type'], CampaignEffect>(
  campaignMachine,
  ({ stage, run }) => `${stage} ${run}`,
);

/** What a command or the outcome of a sweep does to a campaign; null when it is not possible there. */
export function campaignStep({ stage, run }: CampaignState, event: CampaignEvent['type']) {
  return campaignTable({ stage, run }, event);
}

export const groupStep = memoise<GroupState, GroupEvent['type'], GroupEffect>(groupMachine, (state) => state);

export const subscriptionStep = memoise<SubscriptionState, SubscriptionEvent['type'], SubscriptionEffect>(
  subscriptionMachine,
  (state) => state,
);

/** The same where the provider has one URL. */
export const swapStep = memoise<SwapState, SubscriptionEvent['type'], SubscriptionEffect>(
  swapMachine,
  (state) => state,
);
