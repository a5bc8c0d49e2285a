import { useState } from 'preact/hooks';
import { useApp } from '../app.ts';
import { count, many, words } from '../format.ts';
import { Wide } from '../parts/Wide.tsx';
import type { CampaignStatus } from '../types.ts';
import { Drawn } from './Drawn.tsx';
import { type Counts, type Flow, flowBetween, narrowed, restOf, soFar } from './flow.ts';

/** The machine of a record, with how many records are in each state, and how many went along each arrow in this sweep. */
export function RecordChart({ status }: { status: CampaignStatus }) {
  const chart = useApp().charts[isInPlace(status) ? 'field' : 'record'];
  const [isWhole, setWhole] = useState(false);
  if (!chart) return null;
  const { states, targets, sweep, countedIn } = status;
  const now = soFar(sweep);
  // A sweep under way has met only some: what it has, and where the last one left the others.
  const isPart = sweep.running && countedIn === 'last sweep';
  const wanted = targets.map(({ target }) => target);
  const flow = flowOf(
    status,
    now,
    chart.transitions.filter(({ event }) => wanted.some((t) => event === `want.${t}`)),
  );
  const drawn = isWhole ? chart : narrowed(chart, wanted, { ...states, ...now });
  return (
    <section aria-labelledby="machine">
      <h2 id="machine">Records, by state</h2>
      <p>{caption(status)}</p>
      <Wide label="Statechart of a record">
        <Drawn
          chart={drawn}
          label={`Statechart of a record. ${listed(isPart ? now : states)}`}
          counts={isPart ? now : states}
          isPart={sweep.running}
          flow={flow}
          wanted={wanted.map(restOf)}
        />
      </Wide>
      <p class="row">
        <button type="button" class="quiet" aria-pressed={isWhole} onClick={() => setWhole(!isWhole)}>
          All states and arrows of the machine
        </button>
        <span class="faint">
          A double frame is a state that is wanted. Numbers on arrows: about how many records went along in this sweep,
          told from the counts before and after. A store that commits both homes at once takes several arrows in one
          step.
        </span>
      </p>
      <Numbers states={states} {...(isPart ? { now } : {})} countedIn={countedIn} />
    </section>
  );
}

/** One machine for all of them; where a campaign has both, those in place have a chart of their own. */
export const isInPlace = ({ inPlace = {}, records }: CampaignStatus): boolean =>
  records > 0 && Object.values(inPlace).reduce((sum, n) => sum + n, 0) === records;

function caption({ sweep, records, countedIn }: CampaignStatus): string {
  if (countedIn === 'nothing yet') return 'Nothing is counted yet.';
  if (!sweep.running) return `${many(records, 'record')}, by the last sweep.`;
  const rest =
    sweep.expected === undefined ? 'The others' : `About ${count(Math.max(0, sweep.expected - sweep.seen))} more looks`;
  const open =
    sweep.expected === undefined
      ? 'are where they were.'
      : 'are to come; until then those records are where they were.';
  const met = `${count(sweep.seen)} looks so far`;
  if (countedIn === 'running sweep') return `The first sweep is under way: ${met}. ${rest} ${open}`;
  return `The last whole sweep counted ${many(records, 'record')}. Sweep ${sweep.number} is under way: ${met}. ${rest} ${open}`;
}

/** Records that a sweep has not met stand where the last one saw them; before the first, all were at home. */
function flowOf(
  { states, sweep, countedIn }: CampaignStatus,
  now: Counts,
  arrows: Parameters<typeof flowBetween>[2],
): Flow {
  if (!sweep.running || sweep.moved === 0) return new Map();
  const all = Object.values(now).reduce((sum, n) => sum + n, 0);
  if (countedIn !== 'last sweep') return flowBetween({ atHome: all }, now, arrows);
  const before = Object.values(states).reduce((sum, n) => sum + n, 0);
  if (before === 0) return new Map();
  const met = Object.fromEntries(Object.entries(states).map(([state, n]) => [state, Math.round((n * all) / before)]));
  return flowBetween(met, now, arrows);
}

const listed = (counts: Counts): string =>
  Object.entries(counts)
    .filter(([, n]) => n > 0)
    .map(([state, n]) => `${words(state)} ${count(n)}`)
    .join(', ') || 'No record is counted.';

/** The very numbers that `handover status` says. */
function Numbers({ states, now, countedIn }: { states: Counts; now?: Counts; countedIn: CampaignStatus['countedIn'] }) {
  const names = [...new Set([...Object.keys(states), ...Object.keys(now ?? {})])];
  if (names.length === 0) return null;
  return (
    <table class="numbers">
      <caption>As handover status says it</caption>
      <thead>
        <tr>
          <th scope="col">State</th>
          <th scope="col">{countedIn === 'running sweep' ? 'This sweep so far' : 'Last whole sweep'}</th>
          {now && <th scope="col">This sweep so far</th>}
        </tr>
      </thead>
      <tbody>
        {names
          .sort((a, b) => (states[b] ?? 0) - (states[a] ?? 0))
          .map((state) => (
            <tr key={state}>
              <th scope="row">{words(state)}</th>
              <td class="number" data-state={state}>
                {count(states[state] ?? 0)}
              </td>
              {now && <td class="number">{count(now[state] ?? 0)}</td>}
            </tr>
          ))}
      </tbody>
    </table>
  );
}
