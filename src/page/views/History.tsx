import { paths } from '../api.ts';
import { count, many, moment } from '../format.ts';
import { Wide } from '../parts/Wide.tsx';
import { link } from '../route.ts';
import type { History as Answer, HistoryRow } from '../types.ts';
import { useAnswer } from '../use.ts';

/** Every campaign that there ever was, the oldest first. */
export function History() {
  const { body, trouble } = useAnswer<Answer>(paths.history);
  return (
    <>
      <h1>History</h1>
      <p class="lead">What ran, when, by whom, and what the last verification of it found.</p>
      {trouble && <p class="note bad">{trouble}</p>}
      {!body && !trouble && <p>Loading.</p>}
      {body?.campaigns.length === 0 && <p>No migration was ever started.</p>}
      {body !== undefined && body.campaigns.length > 0 && (
        <Wide label="History">
          <table>
            <thead>
              <tr>
                {['Campaign', 'Stage', 'Started', 'Last command', 'Ended', 'Records', 'Proof'].map((name) => (
                  <th key={name} scope="col">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {body.campaigns.map((row) => (
                <Row key={row.campaign} row={row} />
              ))}
            </tbody>
          </table>
        </Wide>
      )}
    </>
  );
}

function Row({ row }: { row: HistoryRow }) {
  const { campaign, version, known, stage, started, last, endedAt, records, quarantined } = row;
  return (
    <tr>
      <th scope="row">
        <a href={link({ at: 'campaign', campaign })}>{campaign}</a> <span class="faint">version {version}</span>
        {!known && <span class="faint">, no longer in the folder</span>}
      </th>
      <td>{stage}</td>
      <td>{started && `${moment(started.at)} by ${started.by}`}</td>
      <td>{last && `${last.what} by ${last.by}, ${moment(last.at)}${last.reason ? `: ${last.reason}` : ''}`}</td>
      <td>{endedAt === undefined ? 'open' : moment(endedAt)}</td>
      <td>
        {records !== undefined && count(records)}
        {quarantined > 0 && `${records === undefined ? '' : ', '}${count(quarantined)} quarantined`}
      </td>
      <td>{proofOf(row)}</td>
    </tr>
  );
}

function proofOf({ proof }: HistoryRow): string {
  if (!proof) return 'Never verified';
  const { at, stage, started, completed, inFlight, quarantined, duplicates, gaps, clean } = proof;
  const way = inFlight > 0 ? ` + ${count(inFlight)} on their way` : '';
  const sum = `${count(started)} = ${count(completed)} at rest + ${count(quarantined)} quarantined${way}`;
  const found = `${many(duplicates, 'duplicate')}, ${many(gaps, 'gap')}`;
  return `${clean ? 'Clean' : 'Not clean'} when ${stage}, ${moment(at)}: ${sum}; ${found}`;
}
