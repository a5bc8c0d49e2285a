import type { Arrow } from '../../src/engine/charts.ts';

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
