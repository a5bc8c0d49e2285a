import type { CampaignStatus, Chart } from '../types.ts';

export type Counts = Readonly<Record<string, number>>;

/** Records on an arrow, by `from to`. */
export type Flow = ReadonlyMap<string, number>;

export const arrow = (from: string, to: string): string => `${from} ${to}`;

/**
 * Records per state by the sweep under way: what it has met so far. By the same rule as the engine's own: what rests at
 * `completed` is counted again by the sweep of the new home.
 */
export function soFar({ counts }: CampaignStatus['sweep']): Counts {
  const states: Record<string, number> = {};
  for (const [name, n] of Object.entries(counts)) {
    const [home, state] = name.split('.');
    if (state !== undefined && home!.length === 1 && state !== 'completed') {
      states[state] = (states[state] ?? 0) + n;
    }
  }
  const moved = Math.max(counts['S.completed'] ?? 0, counts['T.completed'] ?? 0);
  const completed = moved + (counts['F.completed'] ?? 0);
  return completed > 0 ? { ...states, completed } : states;
}

/**
 * How many records went along which arrow, told from how many are in each state before and after: those that are missing
 * in one state went the shortest way to one that has more.
 */
export function flowBetween(before: Counts, after: Counts, transitions: Chart['transitions']): Flow {
  const flow = new Map<string, number>();
  const change = (state: string) => (after[state] ?? 0) - (before[state] ?? 0);
  const states = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const givers = new Map(states.filter((s) => change(s) < 0).map((s) => [s, -change(s)]));
  for (const taker of states.filter((state) => change(state) > 0)) {
    let wanted = change(taker);
    const ways = [...givers.keys()].map((giver) => shortest(giver, taker, transitions)).filter((way) => way.length > 1);
    for (const way of ways.sort((a, b) => a.length - b.length)) {
      const giver = way[0]!;
      const n = Math.min(wanted, givers.get(giver)!);
      if (n === 0) continue;
      givers.set(giver, givers.get(giver)! - n);
      wanted -= n;
      for (const [i, to] of way.slice(1).entries()) {
        const name = arrow(way[i]!, to);
        flow.set(name, (flow.get(name) ?? 0) + n);
      }
    }
  }
  return flow;
}

function shortest(from: string, to: string, transitions: Chart['transitions']): readonly string[] {
  const ways: (readonly string[])[] = [[from]];
  const met = new Set([from]);
  for (let way = ways.shift(); way; way = ways.shift()) {
    const last = way.at(-1)!;
    if (last === to) return way;
    for (const next of transitions) {
      if (next.from !== last || met.has(next.to)) continue;
      met.add(next.to);
      ways.push([...way, next.to]);
    }
  }
  return [];
}

/** Where a record rests that is wanted there. */
export const restOf = (target: string): string => (target === 'home' ? 'atHome' : target);

/**
 * What is worth drawing of a large machine: the way there, from the first state to `completed`, unless all come home, and
 * the ways from where records are to where they are wanted.
 */
export function narrowed(
  chart: Chart,
  targets: readonly string[],
  counts: Counts,
): Pick<Chart, 'states' | 'transitions'> {
  const towards = (target: string) => chart.transitions.filter(({ event }) => event === `want.${target}`);
  const held = chart.states.filter((state) => (counts[state] ?? 0) > 0);
  const rests = targets.map(restOf);
  // Who comes home has no need of the way that led away.
  const isForth = targets.some((target) => target !== 'home');
  const ways = isForth ? [shortest(chart.initial, 'completed', towards('completed'))] : [];
  for (const target of targets) {
    for (const state of held) {
      // A share rests where it is wanted: it is on its way to nowhere else.
      const isBack = rests.includes(state) && restOf(target) !== state && isPast(state, target, chart);
      if (!isBack) ways.push(shortest(state, restOf(target), towards(target)));
    }
  }
  const shown = new Set([...ways.flat(), ...held, ...rests]);
  const arrows = new Set(ways.flatMap((way) => way.slice(1).map((to, i) => arrow(way[i]!, to))));
  return {
    states: chart.states.filter((state) => shown.has(state)),
    transitions: chart.transitions.filter(({ from, to }) => arrows.has(arrow(from, to))),
  };
}

/** Whether the way to the target leads back from there. */
function isPast(state: string, target: string, { transitions, initial }: Chart): boolean {
  const forth = transitions.filter(({ event }) => event === 'want.completed');
  return shortest(initial, state, forth).length > shortest(initial, restOf(target), forth).length;
}
