import { useState } from 'preact/hooks';
import { paths } from '../api.ts';
import { useApp } from '../app.ts';
import { words } from '../format.ts';
import { Missing } from '../parts/Missing.tsx';
import { Pager, usePages } from '../parts/Pager.tsx';
import { RowTable } from '../parts/RowTable.tsx';
import { Tabs } from '../parts/Tabs.tsx';
import { link } from '../route.ts';
import type { RecordsPage } from '../types.ts';
import { useAnswer } from '../use.ts';

/** What a record can be found to be beside the states of its machine: the API asks for these alike. */
const ODD = ['quarantined', 'failing', 'stranded'] as const;

/** Records in the order of their keys, those in one state, or one by its key. */
export function Records({ id }: { id: string }) {
  const app = useApp();
  const status = app.campaign(id);
  const [key, setKey] = useState('');
  const [state, setState] = useState('');
  const pages = usePages();
  const statesIn = (machine: string) => app.charts[machine]?.states ?? [];
  const query = { ...pages.query, ...(state ? { state } : {}) };
  const { body, trouble } = useAnswer<RecordsPage>(paths.records(id, query));
  if (!status) return <Missing what={`There is no campaign ${id}.`} />;
  const { campaign } = status;
  const find = (event: Event) => {
    event.preventDefault();
    if (key.trim() !== '') location.hash = link({ at: 'record', campaign, key: key.trim() });
  };
  return (
    <>
      <Tabs status={status} at="records" />
      <form class="row end" onSubmit={find}>
        <div class="grow">
          <label for="key">Old or new key of a record, or the root of a group</label>
          <input id="key" placeholder="Feed:7" value={key} onInput={(event) => setKey(event.currentTarget.value)} />
        </div>
        <button type="submit">Find</button>
      </form>
      <label for="state">State</label>
      <select
        id="state"
        value={state}
        onChange={(event) => {
          setState(event.currentTarget.value);
          pages.first();
        }}
      >
        <option value="">any</option>
        {[...new Set([...statesIn('record'), ...statesIn('field'), ...ODD])].map((each) => (
          <option key={each} value={each}>
            {words(each)}
          </option>
        ))}
      </select>
      {trouble && <p class="note bad">{trouble}</p>}
      {body ? <RowTable rows={body.records} campaign={campaign} caption="Records, as they are now" /> : <p>Loading.</p>}
      <Pager pages={pages} next={body?.next} />
    </>
  );
}
