import { useEffect, useId, useMemo, useState } from 'preact/hooks';
import { count, words } from '../format.ts';
import type { Chart } from '../types.ts';
import { arrow, type Counts, type Flow } from './flow.ts';
import { BOX, layOut, pathOf } from './layout.ts';

interface Props {
  chart: Pick<Chart, 'states' | 'transitions'>;
  label: string;
  /** How many are in each state; unset: none is counted. */
  counts?: Counts;
  flow?: Flow;
  /** The state it is in, of a chart of one thing. */
  current?: string;
  /** States that are wanted. */
  wanted?: readonly string[];
}

/** A statechart. Whoever does not see it finds the same in the table beside it. */
export function Drawn({ chart, label, counts, flow, current, wanted = [] }: Props) {
  const id = useId();
  const isNarrow = useNarrow();
  // One that stays the same is not laid out anew with each number that comes in.
  const shape = JSON.stringify([chart.states, chart.transitions.map(({ from, to }) => [from, to])]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: its shape is all that the layout is made of
  const { width, height, boxes, lines } = useMemo(() => layOut(chart, isNarrow), [shape, isNarrow]);
  const toneOf = (state: string) =>
    [
      'state',
      state === current || (counts?.[state] ?? 0) > 0 ? 'held' : '',
      wanted.includes(state) ? 'wanted' : '',
    ].join(' ');
  return (
    <svg class="chart" role="img" aria-label={label} viewBox={`0 0 ${width} ${height}`} style={{ width: `${width}px` }}>
      <defs>
        {['still', 'flowing'].map((kind) => (
          <marker
            key={kind}
            id={`${id}-${kind}`}
            class={kind}
            viewBox="0 0 8 8"
            refX="7"
            refY="4"
            markerWidth="8"
            markerHeight="8"
            markerUnits="userSpaceOnUse"
            orient="auto"
          >
            <path d="M 0 0 L 8 4 L 0 8 z" />
          </marker>
        ))}
      </defs>
      {lines.map(({ from, to, points, label: at }) => {
        const n = flow?.get(arrow(from, to)) ?? 0;
        const kind = n > 0 ? 'flowing' : 'still';
        return (
          <g key={arrow(from, to)} class={`line ${kind}`}>
            <path d={pathOf(points)} marker-end={`url(#${id}-${kind})`} />
            {n > 0 && (
              <text x={at.x} y={at.y + 4}>
                {count(n)}
              </text>
            )}
          </g>
        );
      })}
      {boxes.map(({ state, x, y }) => (
        <g key={state} class={toneOf(state)}>
          <rect x={x - BOX.width / 2} y={y - BOX.height / 2} width={BOX.width} height={BOX.height} rx="8" />
          <text x={x} y={counts ? y - 6 : y + 5}>
            {words(state)}
          </text>
          {counts && (
            <text class="count" x={x} y={y + 17}>
              {count(counts[state] ?? 0)}
            </text>
          )}
        </g>
      ))}
    </svg>
  );
}

const NARROW = '(max-width: 48rem)';

function useNarrow(): boolean {
  const [isNarrow, setNarrow] = useState(() => matchMedia(NARROW).matches);
  useEffect(() => {
    const query = matchMedia(NARROW);
    const changed = () => setNarrow(query.matches);
    query.addEventListener('change', changed);
    return () => query.removeEventListener('change', changed);
  }, []);
  return isNarrow;
}
