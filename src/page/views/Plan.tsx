import { useState } from 'preact/hooks';
import { paths } from '../api.ts';
import { useApp } from '../app.ts';
import { count, duration, many } from '../format.ts';
import { useJob } from '../job.ts';
import { Give } from '../parts/Give.tsx';
import { Wide } from '../parts/Wide.tsx';
import { keepPlan, keptPlan } from '../plans.ts';
import type { PlanReport } from '../types.ts';

/** What a migration would meet and cost: found by reading alone. */
export function Plan({ migration }: { migration: string }) {
  const app = useApp();
  const [report, setReport] = useState(() => keptPlan(migration));
  const { job, trouble, begin } = useJob<PlanReport>(paths.plan(migration), (made) => {
    keepPlan(made);
    setReport(made);
  });
  return (
    <>
      <h1>Plan of {migration}</h1>
      <p class="lead">
        Reads the records and moves them in memory, to say what it would meet and cost. Nothing is written.
      </p>
      <p class="row">
        <Give verb="plan" class={report ? '' : 'primary'} isBusy={job !== undefined} onPress={() => void begin({})}>
          {report ? 'Make it anew' : 'Make a plan'}
        </Give>
        <Give
          verb="start"
          onPress={() => app.command({ verb: 'start', migration, options: {}, ...openOf(app, migration) })}
        >
          Start {migration}…
        </Give>
      </p>
      <p role="status">{job && `${count(job.seen)} looked at so far.`}</p>
      {trouble && (
        <p class="note bad" role="alert">
          {trouble}
        </p>
      )}
      {report && <Report report={report} />}
    </>
  );
}

const openOf = ({ status }: ReturnType<typeof useApp>, migration: string) => {
  const open = status.campaigns.find((each) => each.migration === migration && !each.closed);
  return open ? { campaign: open.campaign } : {};
};

function Report({ report }: { report: PlanReport }) {
  const { records, inFlight, sample, problems, inexact, rules, steps, total, prices } = report;
  const { references = [], undeclared = [] } = report;
  const oneWay = rules.filter(({ reversible }) => !reversible);
  return (
    <>
      <p>
        {sample ? 'About ' : ''}
        {many(records, 'record')} at home{inFlight > 0 && `, ${count(inFlight)} under way already`}:{' '}
        {rules.map(({ from, into }) => `${from} to ${into}`).join(', ')}.
      </p>
      {Object.entries(problems).map(([code, { count: n, samples }]) => (
        <div class="note warn" key={code}>
          {many(n, 'record')} could not be moved, and would be quarantined: <code>{code}</code>
          <ul>
            {samples.map(({ key, message }) => (
              <li key={key}>{message}</li>
            ))}
          </ul>
        </div>
      ))}
      {oneWay.length > 0 && (
        <p class="note warn">
          No way back for what is modified after the switch: {oneWay.map(({ from }) => from).join(', ')}.
        </p>
      )}
      {references.map(({ kind, dangling }) =>
        dangling > 0 ? (
          <p class="note warn" key={kind}>
            {many(dangling, 'key')} in {kind} lead to no record.
          </p>
        ) : null,
      )}
      {undeclared.map(({ kind, property, to, sample }) => (
        <p class="note warn" key={`${kind} ${property} ${to}`}>
          {kind} holds keys of {to} in <code>{property}</code>, as in <code>{sample}</code>, and no rule mentions it.
        </p>
      ))}
      {inexact.count > 0 && <p class="note warn">{many(inexact.count, 'record')} would not come back as it was.</p>}
      <Wide label="Steps and costs">
        <table>
          <caption>The steps, each compatible with the one before it, and what they cost without live traffic</caption>
          <thead>
            <tr>
              <th scope="col">Step</th>
              <th scope="col">Reads</th>
              <th scope="col">Writes</th>
              <th scope="col">Deletes</th>
              <th scope="col">Time</th>
              {prices && <th scope="col">{prices.currency}</th>}
              <th scope="col">Back-out</th>
            </tr>
          </thead>
          <tbody>
            {steps.map(({ name, cost, backOut }) => (
              <Costs
                key={name}
                name={name}
                cost={cost}
                hasMoney={prices !== undefined}
                back={backOut.command ?? backOut.how}
              />
            ))}
            <Costs name="all steps" cost={total} hasMoney={prices !== undefined} back="" />
          </tbody>
        </table>
      </Wide>
    </>
  );
}

function Costs(props: { name: string; cost: PlanReport['total']; hasMoney: boolean; back: string }) {
  const { name, cost, hasMoney, back } = props;
  return (
    <tr>
      <th scope="row">{name}</th>
      <td class="number">{count(cost.reads)}</td>
      <td class="number">{count(cost.writes)}</td>
      <td class="number">{count(cost.deletes)}</td>
      <td class="number">{duration(cost.durationMs)}</td>
      {hasMoney && <td class="number">{(cost.money ?? 0).toFixed(2)}</td>}
      <td>{back}</td>
    </tr>
  );
}
