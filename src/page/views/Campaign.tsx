import { useApp } from '../app.ts';
import { OtherCharts } from '../chart/OtherCharts.tsx';
import { RecordChart } from '../chart/RecordChart.tsx';
import { count, many, words } from '../format.ts';
import { meaning } from '../meaning.ts';
import { Actions } from '../parts/Actions.tsx';
import { Hook } from '../parts/Hook.tsx';
import { Invariants } from '../parts/Invariants.tsx';
import { Missing } from '../parts/Missing.tsx';
import { Progress } from '../parts/Progress.tsx';
import { Shares } from '../parts/Shares.tsx';
import { Tabs } from '../parts/Tabs.tsx';
import { Verify } from '../parts/Verify.tsx';
import { link } from '../route.ts';
import type { CampaignStatus } from '../types.ts';

export function Campaign({ id }: { id: string }) {
  const app = useApp();
  const status = app.campaign(id);
  if (!status) return <Missing what={`There is no campaign ${id}.`} />;
  return (
    <>
      <Tabs status={status} at="campaign" />
      <p class="lead">{meaning(status)}</p>
      <Attention status={status} />
      <div class="columns">
        <Progress status={status} />
        <Shares status={status} />
      </div>
      <Actions status={status} />
      <RecordChart status={status} />
      <OtherCharts status={status} />
      <Verify status={status} />
      {status.invariants && <Invariants taken={status.invariants} />}
      <Further status={status} />
    </>
  );
}

/** What somebody has to look at, and nothing else. */
function Attention({ status }: { status: CampaignStatus }) {
  const { blocked, run, pausedBecause, quarantined, campaign } = status;
  return (
    <>
      {blocked && <p class="note bad">Blocked: {blocked.detail} Restore it, or start a new version.</p>}
      {run === 'paused' && <p class="note warn">Paused: {pausedBecause ?? 'no reason was given'}.</p>}
      <Hook status={status} />
      <Stuck ranges={status.stuck ?? []} />
      {quarantined.count > 0 && (
        <p class={quarantined.count > quarantined.skipped ? 'note warn' : 'note'}>
          {many(quarantined.count, 'record')} quarantined
          {quarantined.skipped > 0 && `, ${count(quarantined.skipped)} of them skipped`}:{' '}
          {quarantined.count === 1 ? IT : THEY} <a href={link({ at: 'quarantine', campaign })}>See why</a>
        </p>
      )}
    </>
  );
}

/** Parts of the sweep that workers got nowhere with. */
function Stuck({ ranges }: { ranges: NonNullable<CampaignStatus['stuck']> }) {
  if (ranges.length === 0) return null;
  return (
    <div class="note bad">
      {many(ranges.length, 'range')} stuck: workers took {ranges.length === 1 ? 'it' : 'them'} again and again, and were
      not heard of. Look at what stands behind {ranges.length === 1 ? 'this key' : 'these keys'}, then retry.
      <ul>
        {ranges.map(({ range, home, after, tries }) => (
          <li key={range}>
            {home === 'S' ? 'Old home' : 'New home'}, {after === undefined ? 'at its beginning' : <code>{after}</code>}:
            taken {count(tries)} times
          </li>
        ))}
      </ul>
    </div>
  );
}

function Further({ status }: { status: CampaignStatus }) {
  const { mismatches, strip } = status;
  return (
    <>
      {mismatches && (
        <section>
          <h2>Mismatches in shadow reads</h2>
          <p>
            {many(mismatches.count, 'copy').replace('copys', 'copies')} said something else than they should. The last
            ones:
          </p>
          <ul>
            {mismatches.last.map(({ from, expected, found, at }) => (
              <li key={`${from} ${at}`}>
                <a href={link({ at: 'record', campaign: status.campaign, key: from })}>{from}</a>: expected{' '}
                <code>{expected}</code>, found <code>{found}</code>
              </li>
            ))}
          </ul>
        </section>
      )}
      {strip && (
        <section>
          <h2>Strip</h2>
          <p>
            {count(strip.stripped)} stripped, {count(strip.left)} {words('leftAsTheyAre')}
            {strip.doneAt === undefined ? ', so far' : ''}.
          </p>
        </section>
      )}
    </>
  );
}

const IT = 'it could not be moved, and is served where it is.';
const THEY = 'they could not be moved, and are served where they are.';
