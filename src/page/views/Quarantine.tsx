import { useState } from 'preact/hooks';
import { paths } from '../api.ts';
import { useApp } from '../app.ts';
import { count, many } from '../format.ts';
import { Compare } from '../parts/Compare.tsx';
import { Missing } from '../parts/Missing.tsx';
import { Pager, usePages } from '../parts/Pager.tsx';
import { Tabs } from '../parts/Tabs.tsx';
import { link } from '../route.ts';
import type { CampaignStatus, RecordRow, RecordsPage, RecordView } from '../types.ts';
import { useAnswer } from '../use.ts';
import { refusal } from '../verbs.ts';

/** Causes that a choice between two entities can end. */
const CHOICES: ReadonlySet<string> = new Set(['record.split', 'record.corrupt', 'target.occupied', 'transform.split']);

/** Records that could not be moved: why, what both homes hold, and what can be done about it. */
export function Quarantine({ id }: { id: string }) {
  const app = useApp();
  const status = app.campaign(id);
  const [code, setCode] = useState<string>();
  if (!status) return <Missing what={`There is no campaign ${id}.`} />;
  const { count: all, skipped, byCode } = status.quarantined;
  return (
    <>
      <Tabs status={status} at="quarantine" />
      <p class="lead">
        {all === 0
          ? 'Nothing is quarantined.'
          : `${many(all, 'record')} could not be moved. Each is served where it is, as before.`}
        {skipped > 0 && ` ${skipped === all ? 'All' : count(skipped)} skipped.`}
      </p>
      {all > 0 && (
        <fieldset class="filter">
          <legend>Cause</legend>
          {[undefined, ...Object.keys(byCode).sort()].map((each) => (
            <label class="choice" key={each ?? ''}>
              <input type="radio" name="code" checked={code === each} onChange={() => setCode(each)} />
              {each ?? 'any'} ({count(each === undefined ? all : byCode[each]!)})
            </label>
          ))}
        </fieldset>
      )}
      {/* Asked anew when something came or went. */}
      <List key={`${code} ${all} ${skipped}`} status={status} {...(code === undefined ? {} : { code })} />
    </>
  );
}

function List({ status, code }: { status: CampaignStatus; code?: string }) {
  const { campaign } = status;
  const pages = usePages();
  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set());
  const query = { ...pages.query, ...(code ? { code } : {}) };
  const { body, trouble, again } = useAnswer<RecordsPage>(paths.quarantine(campaign, query));
  if (trouble) return <p class="note bad">{trouble}</p>;
  if (!body) return <p>Loading.</p>;
  const done = () => {
    setPicked(new Set());
    void again();
  };
  return (
    <>
      <Treat status={status} rows={body.records} picked={picked} onDone={done} {...(code ? { code } : {})} />
      <ul class="quarantined">
        {body.records.map((row) => (
          <Row
            key={row.key}
            row={row}
            campaign={campaign}
            isPicked={picked.has(row.key)}
            onPick={() => setPicked(toggled(picked, row.key))}
          />
        ))}
      </ul>
      <Pager pages={pages} next={body.next} />
    </>
  );
}

function toggled(all: ReadonlySet<string>, one: string): ReadonlySet<string> {
  const next = new Set(all);
  if (!next.delete(one)) next.add(one);
  return next;
}

interface Treated {
  status: CampaignStatus;
  code?: string;
  rows: readonly RecordRow[];
  picked: ReadonlySet<string>;
  onDone: () => void;
}

/** For those that are picked, or else for all of the kind that is shown. */
function Treat({ status, code, rows, picked, onDone }: Treated) {
  const app = useApp();
  const { migration, campaign } = status;
  const why = refusal('retry', status, app.charts);
  if (rows.length === 0) return null;
  const chosen = rows.filter(({ key }) => picked.has(key));
  const which = chosen.length > 0 ? { keys: chosen.map(({ key }) => key) } : code ? { code } : {};
  const whom = chosen.length > 0 ? `${count(chosen.length)} picked` : code ? `all with ${code}` : 'all';
  const isNamed = chosen.length > 0 || code !== undefined;
  const { count: all, skipped } = status.quarantined;
  const mayRetry = isNamed || skipped < all;
  const mayChoose = chosen.length > 0 ? chosen.every((row) => CHOICES.has(row.code ?? '')) : CHOICES.has(code ?? '');
  const ask = (verb: 'retry' | 'skip' | 'resolve', keep?: 'old' | 'new') =>
    app.command({ verb, migration, campaign, options: { ...which, ...(keep ? { keep } : {}) }, onDone });
  const button = (may: boolean, press: () => void) => ({
    type: 'button' as const,
    'aria-disabled': !may || why !== undefined,
    'aria-describedby': 'treat-note',
    onClick: () => may && why === undefined && press(),
  });
  return (
    <section class="treat" aria-label="What to do with them">
      <div class="row">
        <button class="primary" {...button(mayRetry, () => ask('retry'))}>
          Retry {isNamed || skipped === 0 ? whom : 'all that are not skipped'}…
        </button>
        <button {...button(isNamed, () => ask('skip'))}>Skip {whom}…</button>
        {(['old', 'new'] as const).map((keep) => (
          <button key={keep} class="grave" {...button(mayChoose, () => ask('resolve', keep))}>
            Resolve {whom}: keep {keep}…
          </button>
        ))}
      </div>
      <p id="treat-note" class="faint">
        {why ??
          (mayChoose
            ? 'Retry tries again. Resolve chooses which of two entities is the record.'
            : 'Retry tries again, once the cause is mended. Resolve is for records that two entities claim: pick such records, or their cause.')}{' '}
        Skip lets them stay in the old home{isNamed ? '' : ': pick records, or a cause'}.
        {mayRetry ? '' : ' All are skipped: to try some again, pick them.'}
      </p>
    </section>
  );
}

function Row(props: { row: RecordRow; campaign: string; isPicked: boolean; onPick: () => void }) {
  const { row, campaign, isPicked, onPick } = props;
  const { key, into, code, message, skipped } = row;
  const [isOpen, setOpen] = useState(false);
  return (
    <li>
      <div class="row top">
        <input type="checkbox" checked={isPicked} onChange={onPick} aria-label={`Pick ${key}`} />
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
