import { useEffect, useRef, useState } from 'preact/hooks';
import { paths } from '../api.ts';
import { useApp } from '../app.ts';
import { count, many } from '../format.ts';
import { Compare } from '../parts/Compare.tsx';
import { Missing } from '../parts/Missing.tsx';
import { Pager, usePages } from '../parts/Pager.tsx';
import { Tabs } from '../parts/Tabs.tsx';
import { Treat } from '../parts/Treat.tsx';
import { link } from '../route.ts';
import type { CampaignStatus, RecordRow, RecordsPage, RecordView } from '../types.ts';
import { useAnswer } from '../use.ts';

const STAYED = 'The campaign is over: they stay where they were. A new campaign of the migration tries them again.';

/** Records that could not be moved: why, what both homes hold, and what can be done about it. */
export function Quarantine({ id }: { id: string }) {
  const app = useApp();
  const status = app.campaign(id);
  const [code, setCode] = useState<string>();
  if (!status) return <Missing what={`There is no campaign ${id}.`} />;
  const { count: all, skipped, byCode } = status.quarantined;
  // That which is chosen stays there when its last record goes.
  const causes = [...new Set([...Object.keys(byCode), ...(code === undefined ? [] : [code])])].sort();
  return (
    <>
      <Tabs status={status} at="quarantine" />
      <p class="lead">
        {all === 0
          ? 'Nothing is quarantined.'
          : `${many(all, 'record')} could not be moved. ${status.closed ? STAYED : 'Each is served where it is, as before.'}`}
        {skipped > 0 && ` ${skipped === all ? 'All' : count(skipped)} skipped.`}
      </p>
      {all > 0 && (
        <fieldset class="filter">
          <legend>Cause</legend>
          {[undefined, ...causes].map((each) => (
            <label class="choice" key={each ?? ''}>
              <input type="radio" name="code" checked={code === each} onChange={() => setCode(each)} />
              {each ?? 'any'} ({count(each === undefined ? all : (byCode[each] ?? 0))})
            </label>
          ))}
        </fieldset>
      )}
      <List key={code} status={status} {...(code === undefined ? {} : { code })} />
    </>
  );
}

function List({ status, code }: { status: CampaignStatus; code?: string }) {
  const { campaign } = status;
  const pages = usePages();
  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set());
  const query = { ...pages.query, ...(code ? { code } : {}) };
  // Asked anew when something came or went, under the eyes of who looks: what he has picked and opened stays.
  const version = `${status.quarantined.count} ${status.quarantined.skipped}`;
  const path = paths.quarantine(campaign, query);
  const { body, trouble, again } = useAnswer<RecordsPage>(path, version);
  const shown = useRef<{ readonly path: string; readonly rows: readonly RecordRow[] }>(undefined);
  useEffect(() => {
    if (!body) return;
    // What is gone is not picked any more, should it come again.
    const gone = shown.current?.path === path ? shown.current.rows.filter((row) => !has(body.records, row.key)) : [];
    shown.current = { path, rows: body.records };
    setPicked((before) => new Set([...before].filter((key) => !has(gone, key))));
  }, [body, path]);
  if (!body) return trouble ? <p class="note bad">{trouble}</p> : <p>Loading.</p>;
  const done = (keys: readonly string[]) => {
    setPicked(new Set([...picked].filter((key) => keys.length > 0 && !keys.includes(key))));
    void again();
  };
  return (
    <>
      {trouble && <p class="note bad">{trouble}</p>}
      {!status.closed && (
        <Treat status={status} rows={body.records} picked={picked} onDone={done} {...(code ? { code } : {})} />
      )}
      <ul class="quarantined">
        {body.records.map((row) => (
          <Row
            key={row.key}
            row={row}
            campaign={campaign}
            isPicked={picked.has(row.key)}
            {...(status.closed ? {} : { onPick: () => setPicked(toggled(picked, row.key)) })}
          />
        ))}
      </ul>
      <Pager pages={pages} next={body.next} />
    </>
  );
}

const has = (rows: readonly RecordRow[], one: string): boolean => rows.some(({ key }) => key === one);

function toggled(all: ReadonlySet<string>, one: string): ReadonlySet<string> {
  const next = new Set(all);
  if (!next.delete(one)) next.add(one);
  return next;
}

function Row(props: { row: RecordRow; campaign: string; isPicked: boolean; onPick?: () => void }) {
  const { row, campaign, isPicked, onPick } = props;
  const { key, into, code, message, skipped } = row;
  const [isOpen, setOpen] = useState(false);
  return (
    <li>
      <div class="row top">
        {onPick && <input type="checkbox" checked={isPicked} onChange={onPick} aria-label={`Pick ${key}`} />}
        <div class="grow">
          <a href={link({ at: 'record', campaign, key })}>{key}</a>
          {into !== undefined && <span class="faint"> to {into}</span>}
          {skipped && (
            <>
              {' '}
              <span class="badge">skipped</span>
            </>
          )}
          <p>
            <code>{code}</code> {message}
          </p>
        </div>
        <button type="button" class="quiet" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          Both contents<span class="unseen"> of {key}</span>
        </button>
      </div>
      {isOpen && <Contents campaign={campaign} name={key} />}
    </li>
  );
}

function Contents({ campaign, name }: { campaign: string; name: string }) {
  const { body, trouble } = useAnswer<RecordView>(paths.record(name, campaign));
  if (trouble) return <p class="note bad">{trouble}</p>;
  return body ? <Compare view={body} /> : <p>Loading.</p>;
}
