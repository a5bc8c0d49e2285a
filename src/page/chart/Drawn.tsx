import { useEffect, useId, useMemo, useState } from 'preact/hooks';
import { count, words } from '../format.ts';
import type { Chart } from '../types.ts';
import { arrow, type Counts, type Flow } from './flow.ts';
import { BOX, layOut, type Point, pathOf } from './layout.ts';

interface Props {
  chart: Pick<Chart, 'states' | 'transitions'>;
  label: string;
  /** How many are in each state; unset: none is counted. */
  counts?: Counts;
  flow?: Flow;
  /** Whether more are to come: then nothing is said of a state that none was met in. */
  isPart?: boolean;
  /** The state it is in, of a chart of one thing. */
  current?: string;
  /** States that are wanted. */
  wanted?: readonly string[];
}

/** A statechart. Whoever does not see it finds the same in the table beside it. */
export function Drawn({ chart, label, counts, isPart = false, flow, current, wanted = [] }: Props) {
  const id = useId();
  const isNarrow = useNarrow();
  // One that stays the same is not laid out anew with each number that comes in.
  const shape = JSON.stringify([chart.states, chart.transitions.map(({ from, to }) => [from, to])]);
  const { width, height, boxes, lines } = useMemo(() => layOut(chart, isNarrow), [shape, isNarrow]);
  const isHeld = (state: string) => state === current || (counts?.[state] ?? 0) > 0;
  return (
    <svg
      class="chart"
      role="img"
      aria-label={label}
      viewBox={`0 0 ${width} ${height}`}
      style={{ width: `${width}px`, maxWidth: `max(100%, ${0.75 * width}px)` }}
    >
      <defs>
        {['still', 'flowing'].map((kind) => (
          <marker
            key={kind}
            id={`${id}-${kind}`}
            viewBox="0 0 8 8"
            refX="7"
            refY="4"
            markerWidth="8"
            markerHeight="8"
            markerUnits="userSpaceOnUse"
            orient="auto"
          >
            <path class={`head ${kind}`} d="M 0 0 L 8 4 L 0 8 z" />
          </marker>
        ))}
      </defs>
      {lines.map(({ from, to, points, label: at }) => {
        const n = flow?.get(arrow(from, to)) ?? 0;
        const kind = n > 0 ? 'flowing' : 'still';
        return (
          <g key={arrow(from, to)}>
            <path class={`way ${kind}`} d={pathOf(points)} marker-end={`url(#${id}-${kind})`} />
            {n > 0 && (
              <text class="moved" x={at.x} y={at.y + 4}>
                {count(n)}
              </text>
            )}
          </g>
        );
      })}
      {boxes.map(({ state, x, y }) => (
        <g key={state} class={isHeld(state) ? 'held' : ''}>
          {wanted.includes(state) && <Frame x={x} y={y} />}
          <rect class="box" x={x - BOX.width / 2} y={y - BOX.height / 2} width={BOX.width} height={BOX.height} rx="8" />
          <text x={x} y={counts ? y - 6 : y + 5}>
            {words(state)}
          </text>
          {counts && (
            <text class="count" x={x} y={y + 17}>
              {counted(counts[state] ?? 0, isPart)}
            </text>
          )}
        </g>
      ))}
    </svg>
  );
}

const counted = (n: number, isPart: boolean): string => (isPart ? (n === 0 ? '–' : `${count(n)} so far`) : count(n));

/** Around a state that is wanted. */
function Frame({ x, y }: Point) {
  const [width, height] = [BOX.width + 8, BOX.height + 8];
  return <rect class="frame" x={x - width / 2} y={y - height / 2} width={width} height={height} rx="11" />;
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
