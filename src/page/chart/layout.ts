import dagre from '@dagrejs/dagre';
import type { Chart } from '../types.ts';

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Box extends Point {
  readonly state: string;
}

export interface Line {
  readonly from: string;
  readonly to: string;
  readonly points: readonly Point[];
  /** Where its label stands. */
  readonly label: Point;
}

export interface Drawing {
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly Box[];
  readonly lines: readonly Line[];
}

export const BOX = { width: 148, height: 56 } as const;
const MARGIN = 12;

/** Where states and arrows stand: in layers, from left to right or, on a narrow screen, from top to bottom. */
export function layOut({ states, transitions }: Pick<Chart, 'states' | 'transitions'>, isNarrow: boolean): Drawing {
  const graph = new dagre.graphlib.Graph();
  const rankdir = isNarrow ? 'TB' : 'LR';
  graph.setGraph({
    rankdir,
    nodesep: isNarrow ? 18 : 26,
    ranksep: isNarrow ? 40 : 52,
    marginx: MARGIN,
    marginy: MARGIN,
  });
  for (const state of states) graph.setNode(state, { ...BOX });
  for (const { from, to } of transitions) {
    if (from !== to) graph.setEdge(from, to, { width: 40, height: 18, labelpos: 'c' });
  }
  dagre.layout(graph);
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  return {
    width,
    height,
    boxes: states.map((state) => {
      const { x, y } = graph.node(state) as Point;
      return { state, x, y };
    }),
    lines: graph.edges().map(({ v, w }: { v: string; w: string }) => {
      const edge = graph.edge(v, w) as { points: Point[] } & Partial<Point>;
      const middle = edge.points[Math.floor(edge.points.length / 2)]!;
      return { from: v, to: w, points: edge.points, label: { x: edge.x ?? middle.x, y: edge.y ?? middle.y } };
    }),
  };
}

/** A smooth path through the points. */
export function pathOf(points: readonly Point[]): string {
  const [first, ...rest] = points;
  if (!first) return '';
  const steps = rest.map((point, i) => {
    const next = rest[i + 1];
    if (!next) return `L ${point.x} ${point.y}`;
    return `Q ${point.x} ${point.y} ${(point.x + next.x) / 2} ${(point.y + next.y) / 2}`;
  });
  return [`M ${first.x} ${first.y}`, ...steps].join(' ');
}
