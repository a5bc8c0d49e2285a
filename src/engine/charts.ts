import { z } from 'zod';
import { campaignMachine } from '../../machines/campaign.ts';
import { fieldMachine } from '../../machines/field.ts';
import { groupMachine } from '../../machines/group.ts';
import { recordMachine } from '../../machines/record.ts';
import { subscriptionMachine } from '../../machines/subscription.ts';
import { swapMachine } from '../../machines/swap.ts';
import type { Wire } from '../wire.ts';
import { evaluate } from './decide.ts';

/** The machines as data, for whoever draws them: docs/states.md, and the admin API. */
type Machine = Parameters<typeof evaluate>[0];
type Node = Machine['root'];
type Value = string | { readonly [region: string]: Value | undefined };

const arrowSchema = z
  .object({
    from: z.string(),
    to: z.string(),
    event: z.string(),
    effects: z.array(z.looseObject({ type: z.string() })),
  })
  .meta({ id: 'Transition', description: 'One arrow of a machine' });

const chartSchema = z
  .object({ states: z.array(z.string()), initial: z.string(), transitions: z.array(arrowSchema) })
  .meta({ id: 'Chart', description: 'A state machine' });

/** The two regions of a campaign each on their own. */
export const chartsSchema = z
  .object({
    record: chartSchema,
    field: chartSchema.meta({ description: 'Of a record that is rewritten in place' }),
    group: chartSchema,
    subscription: chartSchema,
    swap: chartSchema,
    stage: chartSchema,
    run: chartSchema,
  })
  .meta({ id: 'Charts' });

export type Arrow = Wire<typeof arrowSchema>;
export type Chart = Wire<typeof chartSchema>;
export type Charts = Wire<typeof chartsSchema>;

/** Every arrow between the states of a region, in the order of its definition. Asked of the machine, never of its source. */
export function arrowsOf(machine: Machine, region: Region): Arrow[] {
  return Object.keys(region.node.states).flatMap((from) =>
    region.node.events.flatMap((event) => {
      const decision = evaluate<Value, { type: string }>(machine, region.valueOf(from), event);
      return decision ? [{ from, to: region.nameOf(decision.next), event, effects: decision.effects }] : [];
    }),
  );
}

/** A machine, or one region of a parallel one. */
export interface Region {
  readonly node: Node;
  /** The machine's value when this region is in the state of that name. */
  readonly valueOf: (name: string) => Value;
  readonly nameOf: (value: Value) => string;
}

export const whole = (machine: Machine): Region => ({
  node: machine.root,
  valueOf: (name) => name,
  nameOf: (value) => value as string,
});

/** The other regions stand still meanwhile: regions know nothing of each other. */
export function regionOf(machine: Machine, name: string, others: Readonly<Record<string, string>>): Region {
  return {
    node: machine.root.states[name]!,
    valueOf: (state) => ({ ...others, [name]: state }),
    nameOf: (value) => (value as Record<string, string>)[name]!,
  };
}

const charted = (machine: Machine, region: Region): Chart => ({
  states: Object.keys(region.node.states),
  initial: String((region.node.config as { initial?: string }).initial ?? ''),
  transitions: arrowsOf(machine, region),
});

/** All of them, by name. */
export const charts = (): Charts => ({
  record: charted(recordMachine, whole(recordMachine)),
  field: charted(fieldMachine, whole(fieldMachine)),
  group: charted(groupMachine, whole(groupMachine)),
  subscription: charted(subscriptionMachine, whole(subscriptionMachine)),
  swap: charted(swapMachine, whole(swapMachine)),
  stage: charted(campaignMachine, regionOf(campaignMachine, 'stage', { run: 'running' })),
  run: charted(campaignMachine, regionOf(campaignMachine, 'run', { stage: 'draft' })),
});
