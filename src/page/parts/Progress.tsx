import { useEffect, useRef, useState } from 'preact/hooks';
import { every, now } from '../clock.ts';
import { count, duration, many, moment, percent } from '../format.ts';
import { atRest, limits, rateOf, type Sample, sampled, sampleOf, timeLeft } from '../pace.ts';
import { link } from '../route.ts';
import type { CampaignStatus } from '../types.ts';
import { Bar } from './Bar.tsx';
import { CostSoFar } from './CostSoFar.tsx';

/** How far, how fast, how long still, and what limits it. */
export function Progress({ status }: { status: CampaignStatus }) {
  const { sweep, closed, stage, settledAt, migration } = status;
  const perSecond = useRate(status);
  const left = timeLeft(status, perSecond);
  const { what, why } = limits(status);
  const isMoving = sweep.running && !closed;
  // Ranges that are done tell what the others will come to: until then there is nothing to hold it against.
  const isUnsure = isMoving && sweep.expected === undefined;
  return (
    <section aria-labelledby="progress">
      <h2 id="progress">Progress</h2>
      <Bar label={`Sweep ${sweep.number}`} share={sweep.share} />
      <dl class="facts">
        <dt>Sweep</dt>
        <dd>
          {stage === 'draft'
            ? 'none yet'
            : `${sweep.number}, ${isUnsure ? 'how far is not known yet' : percent(sweep.share)}`}
          {settledAt !== undefined && `: settled ${moment(settledAt)}`}
        </dd>
        <dt>Seen</dt>
        <dd>
          {count(sweep.seen)}
          {isMoving && sweep.expected !== undefined && ` of about ${count(sweep.expected)}`}, {count(sweep.moved)} moved
          {sweep.unresolved > 0 && `, ${count(sweep.unresolved)} kept changing`}
        </dd>
        {isMoving && (
          <>
            <dt>Rate</dt>
            <dd>{perSecond === undefined ? 'not known yet' : `${many(Math.round(perSecond), 'record')} a second`}</dd>
            <dt>Time left</dt>
            <dd>{left === undefined ? 'not known yet' : `about ${duration(left)} to the end of this sweep`}</dd>
          </>
        )}
        {!closed && stage !== 'draft' && (
          <>
            <dt>Pace</dt>
            <dd>
              {what}
              <br />
              <span class="faint">
                {why}
                {!status.pace && ` ${atRest(status)}`}
              </span>
            </dd>
          </>
        )}
        <dt>Cost</dt>
        <dd>
          <CostSoFar status={status} /> <a href={link({ at: 'plan', migration })}>Plan</a>
        </dd>
      </dl>
    </section>
  );
}

/** Records a second, by what came in lately. */
function useRate(status: CampaignStatus): number | undefined {
  const samples = useRef<readonly Sample[]>([]);
  const [, tick] = useState(0);
  const isRunning = status.sweep.running;
  useEffect(() => {
    samples.current = sampled(samples.current, sampleOf(status, now()));
  }, [status]);
  useEffect(() => (isRunning ? every(1_000, () => tick((n) => n + 1)) : undefined), [isRunning]);
  return isRunning ? rateOf(samples.current, now()) : undefined;
}
