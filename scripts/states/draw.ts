import type { AnyStateMachine, AnyStateNode, StateValue } from 'xstate';
import { evaluate } from '../../src/engine/decide.ts';

/** One arrow of a machine. */
export interface Arrow {
  readonly from: string;
  readonly to: string;
  readonly event: string;
  readonly effects: readonly { readonly type: string }[];
}

/** Every arrow between the states of a region, in the order of its definition. Asked of the machine, never of its source. */
export function arrowsOf(machine: AnyStateMachine, region: Region): Arrow[] {
  return Object.keys(region.node.states).flatMap((from) =>
    region.node.events.flatMap((event) => {
      const decision = evaluate<StateValue, { type: string }>(machine, region.valueOf(from), event);
      return decision ? [{ from, to: region.nameOf(decision.next), event, effects: decision.effects }] : [];
    }),
  );
}

/** A machine, or one region of a parallel one. */
export interface Region {
  readonly node: AnyStateNode;
  /** The machine's value when this region is in the state of that name. */
  readonly valueOf: (name: string) => StateValue;
  readonly nameOf: (value: StateValue) => string;
}

export const whole = (machine: AnyStateMachine): Region => ({
  node: machine.root,
  valueOf: (name) => name,
  nameOf: (value) => value as string,
});

/** The other regions stand still meanwhile: regions know nothing of each other. */
export function regionOf(machine: AnyStateMachine, name: string, others: Readonly<Record<string, string>>): Region {
  return {
    node: machine.root.states[name]!,
    valueOf: (state) => ({ ...others, [name]: state }),
    nameOf: (value) => (value as Record<string, string>)[name]!,
  };
}

/** An effect in words: its type, then what it says beside it. `pass T, leave nothing` */
export function inWords({ type, ...params }: { readonly type: string }): string {
  const said = Object.entries(params).map(([name, value]) => (name === 'leave' ? `, leave ${value}` : ` ${value}`));
  return type + said.join('');
}

export interface Diagram {
  readonly arrows: readonly Arrow[];
  readonly label: (arrow: Arrow) => string;
  readonly starts?: readonly string[];
  /** States in which it comes to rest. */
  readonly ends?: readonly string[];
}

export function diagram({ arrows, label, starts = [], ends = [] }: Diagram): string {
  const labels = new Map<string, string[]>();
  for (const arrow of arrows) {
    const line = `${arrow.from} --> ${arrow.to}`;
    labels.set(line, [...new Set([...(labels.get(line) ?? []), label(arrow)])]);
  }
  const lines = [
    ...starts.map((state) => `[*] --> ${state}`),
    ...[...labels].map(([line, said]) => `${line}: ${said.join(' | ')}`),
    ...ends.map((state) => `${state} --> [*]`),
  ];
  return ['```mermaid', 'stateDiagram-v2', ...lines.map((line) => `  ${line}`), '```'].join('\n');
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

export function wordTable(head: string, words: Readonly<Record<string, string>>): string {
  return table(
    [head, ''],
    Object.entries(words).map(([name, said]) => [`\`${name}\``, said]),
  );
}

/** The sets of states that arrows lead between, the largest first. */
export function componentsOf(states: readonly string[], arrows: readonly Arrow[]): string[][] {
  const group = new Map(states.map((state) => [state, state]));
  for (const { from, to } of arrows) {
    const [kept, merged] = [group.get(from)!, group.get(to)!];
    for (const [state, name] of group) if (name === merged) group.set(state, kept);
  }
  const names = [...new Set(group.values())];
  const components = names.map((name) => states.filter((state) => group.get(state) === name));
  return components.toSorted((a, b) => b.length - a.length);
}
