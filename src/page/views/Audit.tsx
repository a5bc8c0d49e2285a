import { useState } from 'preact/hooks';
import { LIMITS } from '../../limits.ts';
import { paths } from '../api.ts';
import { useApp } from '../app.ts';
import { count, moment } from '../format.ts';
import { Missing } from '../parts/Missing.tsx';
import { Tabs } from '../parts/Tabs.tsx';
import type { AuditPage, CampaignStatus } from '../types.ts';
import { useAnswer } from '../use.ts';

/** Every command: who, when, what, why, from where. The newest first. */
export function Audit({ id }: { id: string }) {
  const status = useApp().campaign(id);
  if (!status) return <Missing what={`There is no campaign ${id}.`} />;
  return (
    <>
      <Tabs status={status} at="audit" />
      <Trail key={status.commands} status={status} />
    </>
  );
}

function Trail({ status: { campaign, commands } }: { status: CampaignStatus }) {
  const [until, setUntil] = useState(commands);
  const from = Math.max(0, until - LIMITS.pageRows);
  const { body, trouble } = useAnswer<AuditPage>(paths.audit(campaign, from, Math.max(1, until - from)));
  if (trouble) return <p class="note bad">{trouble}</p>;
  if (!body) return <p>Loading.</p>;
  return (
    <>
      <ol class="timeline" reversed>
        {body.commands.toReversed().map(({ number, at, by, what, reason, from: origin }) => (
          <li key={number} value={number + 1}>
            <time dateTime={new Date(at).toISOString()}>{moment(at)}</time> <strong>{what}</strong> by {by}
            {origin && (
              <span class="faint">
                {' '}
                from {origin.way}
                {origin.address !== undefined && ` at ${origin.address}`}
              </span>
            )}
            {reason !== undefined && <p>{reason}</p>}
          </li>
        ))}
      </ol>
      <p class="row">
        {until < commands && (
          <button type="button" onClick={() => setUntil(Math.min(commands, until + LIMITS.pageRows))}>
            Newer
          </button>
        )}
        {from > 0 && (
          <button type="button" onClick={() => setUntil(from)}>
            Older
          </button>
        )}
        <span class="faint">{count(commands)} in all. Nothing is ever taken off this list.</span>
      </p>
    </>
  );
}
