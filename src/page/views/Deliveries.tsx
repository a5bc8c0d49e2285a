import { useState } from 'preact/hooks';
import { ask, paths } from '../api.ts';
import { useApp } from '../app.ts';
import { many, moment } from '../format.ts';
import { Give } from '../parts/Give.tsx';
import { Pager, usePages } from '../parts/Pager.tsx';
import type { DeliveriesPage, DeliveryRow } from '../types.ts';
import { sayOf, useAnswer } from '../use.ts';

const STATES = ['dead', 'failing', 'waiting', 'running', 'applied'] as const;

/** What came in on callback URLs and is not applied, or what is in one state. */
export function Deliveries() {
  const [state, setState] = useState('');
  const pages = usePages();
  const query = { ...pages.query, ...(state ? { state } : {}) };
  const { body, trouble, again } = useAnswer<DeliveriesPage>(paths.deliveries(query));
  return (
    <>
      <h1>Deliveries</h1>
      <p class="lead">
        What came in on callback URLs. They are of no campaign: a retry is in no audit trail, but in the log.
      </p>
      <label for="state">State</label>
      <select
        id="state"
        value={state}
        onChange={(event) => {
          setState(event.currentTarget.value);
          pages.first();
        }}
      >
        <option value="">all that is not applied</option>
        {STATES.map((each) => (
          <option key={each} value={each}>
            {each}
          </option>
        ))}
      </select>
      {trouble && <p class="note bad">{trouble}</p>}
      {body?.deliveries.length === 0 && <p>There is none.</p>}
      <ul class="quarantined">
        {body?.deliveries.map((row) => (
          <Row key={row.id} row={row} onDone={again} />
        ))}
      </ul>
      <Pager pages={pages} next={body?.next} />
    </>
  );
}

function Row({ row, onDone }: { row: DeliveryRow; onDone: () => Promise<void> }) {
  const { announce } = useApp();
  const [trouble, setTrouble] = useState<string>();
  const { id, state, subscription, topic, protocol, side, receivedAt, attempts, nextAt, error } = row;
  const retry = async () => {
    try {
      await ask(paths.retryDeliveries, { body: { ids: [id] } });
      announce(`${id} is tried again.`);
      await onDone();
    } catch (failed) {
      setTrouble(sayOf(failed));
    }
  };
  return (
    <li>
      <div class="row top">
        <div class="grow">
          <strong>{state}</strong> <code>{id}</code>
          <p>
            {protocol} {topic}, of {subscription}, on the {side} URL. Came in {moment(receivedAt)},{' '}
            {many(attempts, 'attempt')}
            {nextAt !== undefined && `, the next from ${moment(nextAt)}`}.
          </p>
          {error !== undefined && <p class="faint">{error}</p>}
          {trouble && <p class="note bad">{trouble}</p>}
        </div>
        {state === 'dead' && (
          <Give verb="deliveries" onPress={() => void retry()}>
            Try it again<span class="unseen">: {id}</span>
          </Give>
        )}
      </div>
    </li>
  );
}
