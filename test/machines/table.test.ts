import { describe, expect, test } from 'vitest';
import { type AnyMachineSnapshot, type AnyStateMachine, initialTransition, type StateValue, transition } from 'xstate';
import { type CampaignEvent, campaignMachine, type Run, STAGES, type Stage } from '../../machines/campaign.ts';
import { type GroupEvent, type GroupState, groupMachine } from '../../machines/group.ts';
import { TARGETS } from '../../machines/moves.ts';
import {
  PAIR_STATES,
  type RecordEvent,
  type RecordState,
  recordMachine,
  type SideRole,
  STALE,
} from '../../machines/record.ts';
import {
  SUBSCRIPTION_STATES,
  type SubscriptionEvent,
  type SubscriptionState,
  subscriptionMachine,
} from '../../machines/subscription.ts';
import { SWAP_STATES, type SwapState, swapMachine } from '../../machines/swap.ts';
import { campaignStep, evaluate, groupStep, nextMove, subscriptionStep, swapStep } from '../../src/engine/decide.ts';

/** What xstate says, worked out without the help of src/engine/decide.ts; null where nothing is taken. */
function askXstate(machine: AnyStateMachine, value: unknown, type: string) {
  const before: AnyMachineSnapshot = machine.resolveState({ value: value as StateValue, context: {} });
  const [after, actions] = transition(machine, before, { type });
  const effects = actions.map(({ type, params }) => ({ type, ...(params as object) }));
  const takes =
    effects.length > 0 || JSON.stringify(after.value) !== JSON.stringify(before.value) || before.can({ type });
  return takes ? { next: after.value, effects } : null;
}

const eventsOf = <Event extends string>(machine: AnyStateMachine) => machine.events as Event[];
const statesOf = (machine: AnyStateMachine) => Object.keys(machine.root.states);

const STATES = statesOf(recordMachine) as RecordState[];
const ROLES = ['-', 'O', 'X', 'H', 'C', 'B'] as const satisfies readonly SideRole[];

describe('the remembered decision is what xstate says, for every state and event', () => {
  test('of the record machine', () => {
    expect(eventsOf<RecordEvent['type']>(recordMachine).toSorted()).toEqual(
      [
        ...TARGETS.map((target) => `want.${target}`),
        'together.home',
        'together.switched',
        'together.completed',
      ].toSorted(),
    );
    for (const state of STATES) {
      for (const target of TARGETS) {
        const want = askXstate(recordMachine, state, `want.${target}`);
        const together = askXstate(recordMachine, state, `together.${target}`);
        expect(nextMove(state, target, false), `${state} want.${target}`).toEqual(want?.effects[0] ?? null);
        expect(nextMove(state, target, true), `${state} together.${target}`).toEqual(
          (together ?? want)?.effects[0] ?? null,
        );
        for (const decision of [want, together]) {
          if (decision) expect(decision.effects, `${state} makes one move at a time`).toHaveLength(1);
        }
      }
    }
  });

  test('of the campaign machine', () => {
    expect(statesOf(campaignMachine)).toEqual(['stage', 'run']);
    expect(Object.keys(campaignMachine.root.states['stage']!.states)).toEqual([...STAGES]);
    for (const stage of STAGES) {
      for (const run of ['running', 'paused'] satisfies Run[]) {
        for (const event of eventsOf<CampaignEvent['type']>(campaignMachine)) {
          const expected = askXstate(campaignMachine, { stage, run }, event);
          expect(campaignStep({ stage, run }, event), `${stage}, ${run}: ${event}`).toEqual(expected);
        }
      }
    }
  });

  test('of the group machine', () => {
    for (const state of statesOf(groupMachine) as GroupState[]) {
      for (const event of eventsOf<GroupEvent['type']>(groupMachine)) {
        expect(groupStep(state, event), `${state}: ${event}`).toEqual(askXstate(groupMachine, state, event));
      }
    }
  });

  test('of the subscription machine', () => {
    expect(statesOf(subscriptionMachine)).toEqual([...SUBSCRIPTION_STATES]);
    for (const state of SUBSCRIPTION_STATES) {
      for (const event of eventsOf<SubscriptionEvent['type']>(subscriptionMachine)) {
        const expected = askXstate(subscriptionMachine, state, event);
        expect(subscriptionStep(state, event), `${state}: ${event}`).toEqual(expected);
      }
    }
  });

  test('of the machine of a swap', () => {
    expect(statesOf(swapMachine)).toEqual([...SWAP_STATES]);
    for (const state of SWAP_STATES) {
      for (const event of eventsOf<SubscriptionEvent['type']>(swapMachine)) {
        expect(swapStep(state, event), `${state}: ${event}`).toEqual(askXstate(swapMachine, state, event));
      }
    }
  });

  test('and is worked out once', () => {
    expect(campaignStep({ stage: 'draft', run: 'running' }, 'start')).toBe(
      campaignStep({ stage: 'draft', run: 'running' }, 'start'),
    );
    expect(nextMove('atHome', 'completed', true)).toBe(nextMove('atHome', 'completed', true));
  });

  test('and an event that no machine knows is taken by none', () => {
    for (const state of STATES) expect(evaluate(recordMachine, state, 'want.elsewhere'), state).toBeNull();
  });
});

describe('the machines begin where the engine begins', () => {
  test.each([
    ['record', recordMachine, 'atHome'],
    ['campaign', campaignMachine, { stage: 'draft', run: 'running' }],
    ['group', groupMachine, 'gathering'],
    ['subscription', subscriptionMachine, 'home'],
    ['swap', swapMachine, 'home'],
  ] as const)('%s', (_, machine, value) => {
    expect(initialTransition(machine as AnyStateMachine)[0].value).toEqual(value);
  });
});

test('every stage of a campaign can be reached, and only two are ends', () => {
  const reached = new Set<Stage>(['draft']);
  const ends = [];
  for (const stage of reached) {
    const events = eventsOf<CampaignEvent['type']>(campaignMachine);
    const next = events.flatMap((event) => campaignStep({ stage, run: 'running' }, event)?.next.stage ?? []);
    if (next.every((each) => each === stage)) ends.push(stage);
    for (const each of next) reached.add(each);
  }
  expect(reached).toEqual(new Set(STAGES));
  expect(ends.toSorted()).toEqual(['cancelled', 'completed']);
});

describe('a subscription', () => {
  /** Where it may come to, when it is wanted there and everything else may happen. */
  const reachedFrom = (from: SubscriptionState, wants: readonly string[]) => {
    const reached = new Set<SubscriptionState>([from]);
    const events = eventsOf<SubscriptionEvent['type']>(subscriptionMachine);
    const possible = events.filter((event) => !event.startsWith('want.') || wants.includes(event));
    for (const state of reached)
      for (const event of possible) {
        const next = subscriptionStep(state, event)?.next;
        if (next) reached.add(next);
      }
    return reached;
  };

  test('has a way to every target from wherever it is, but from where it is settled', () => {
    for (const state of SUBSCRIPTION_STATES.filter((each) => each !== 'settled')) {
      expect(reachedFrom(state, ['want.home']), state).toContain('home');
      expect(reachedFrom(state, ['want.copied']), state).toContain('proven');
      expect(reachedFrom(state, ['want.switched']), state).toContain('switched');
      expect(reachedFrom(state, ['want.completed']), state).toContain('settled');
    }
    expect([
      ...reachedFrom(
        'settled',
        TARGETS.map((target) => `want.${target}`),
      ),
    ]).toEqual(['settled']);
  });

  test('gives a URL up only when the other one was proved, or was not given up yet', () => {
    const asks = (mode: string, side: string) =>
      SUBSCRIPTION_STATES.flatMap((state) =>
        eventsOf<SubscriptionEvent['type']>(subscriptionMachine).flatMap((event) => {
          const [effect] = subscriptionStep(state, event)?.effects ?? [];
          return effect?.type === 'ask' && effect.mode === mode && effect.side === side ? [state] : [];
        }),
      );
    // Those on the way back have the new URL, which is proved, and may have the old one, which is not.
    const newProved = ['proven', 'unsubscribing', 'lapsing', 'resubscribing', 'reverifying', 'returning'];
    expect(newProved).toEqual(expect.arrayContaining(asks('unsubscribe', 'old')));
    // The old URL was never given up there.
    const oldKept = ['subscribing', 'verifying', 'overlapping', 'proven', 'withdrawing'];
    expect(oldKept).toEqual(expect.arrayContaining(asks('unsubscribe', 'new')));
  });
});

describe('a swap', () => {
  const events = eventsOf<SubscriptionEvent['type']>(swapMachine);
  const reachedFrom = (from: SwapState, target: string) => {
    const reached = new Set<SwapState>([from]);
    const possible = events.filter((event) => !event.startsWith('want.') || event === `want.${target}`);
    for (const state of reached)
      for (const event of possible) {
        const next = swapStep(state, event)?.next;
        if (next) reached.add(next);
      }
    return reached;
  };

  test('has a way to every target from wherever it is, but from where it is settled', () => {
    const ends = { home: 'home', copied: 'live', switched: 'switched', completed: 'settled' } as const;
    for (const state of SWAP_STATES.filter((each) => each !== 'settled'))
      for (const target of TARGETS) expect(reachedFrom(state, target), `${state} to ${target}`).toContain(ends[target]);
    for (const target of TARGETS) expect([...reachedFrom('settled', target)]).toEqual(['settled']);
  });

  test('asks the provider only where the new URL was seen to be served, and rests at home only where nothing was asked', () => {
    const asking = (mode: string) =>
      SWAP_STATES.filter((state) =>
        events.some((event) =>
          swapStep(state, event)?.effects.some((effect) => effect.type === 'ask' && effect.mode === mode),
        ),
      );
    const intoHome = SWAP_STATES.filter((state) => events.some((event) => swapStep(state, event)?.next === 'home'));
    expect(asking('probe').toSorted()).toEqual(['home', 'probing']);
    expect(intoHome.toSorted()).toEqual(['live', 'probing']);
    // What is lost or refused after a request leads to neither.
    const afterAsked = ['swapping', 'confirming', 'doubtful', 'draining', 'switched', 'restoring', 'reconfirming'];
    const next = afterAsked.flatMap((state) =>
      ['want.home', 'hub.refused', 'deadline.passed'].map(
        (event) => swapStep(state as SwapState, event as SubscriptionEvent['type'])?.next,
      ),
    );
    expect(next).not.toContain('home');
    expect(next).not.toContain('live');
  });
});

describe('the record machine is total', () => {
  test('every pair of roles has a state, and every state comes of a pair', () => {
    const pairs = ROLES.flatMap((S) => ROLES.map((T) => `${S}${T}` as const));
    expect(Object.keys(PAIR_STATES).toSorted()).toEqual(pairs.toSorted());
    const fresh: RecordState[] = pairs.map((pair) => PAIR_STATES[pair]);
    expect(new Set([...fresh, ...Object.values(STALE)])).toEqual(new Set(STATES));
  });

  test('every pair, fresh or stale, has a decision under every target, by either path', () => {
    for (const S of ROLES) {
      for (const T of ROLES) {
        const state = PAIR_STATES[`${S}${T}`];
        const states: RecordState[] = state in STALE ? [state, STALE[state as keyof typeof STALE]] : [state];
        for (const target of TARGETS) {
          for (const each of states) {
            expect(nextMove(each, target, false), `${S}${T} ${target}`).not.toBeUndefined();
            expect(nextMove(each, target, true), `${S}${T} ${target}, together`).not.toBeUndefined();
          }
        }
      }
    }
  });

  test('a stale twin exists exactly where a shadow stands beside the truth', () => {
    const compared = ['OH', 'CH', 'HO', 'HC'] as const;
    expect(Object.keys(STALE).toSorted()).toEqual(compared.map((pair) => PAIR_STATES[pair]).toSorted());
  });
});
