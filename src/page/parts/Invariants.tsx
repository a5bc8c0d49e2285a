import { count, many, moment } from '../format.ts';
import type { CampaignStatus } from '../types.ts';

type Taken = NonNullable<CampaignStatus['invariants']>;

/** The totals that must hold, as they were taken last. */
export function Invariants({ taken }: { taken: Taken }) {
  return (
    <section aria-labelledby="invariants">
      <h2 id="invariants">Invariants</h2>
      <p>
        Taken {moment(taken.at)}, {taken.moment ? 'read at one moment' : `in ${count(taken.passes)} passes`}.
      </p>
      <table>
        <thead>
          <tr>
            <th>Invariant</th>
            <th>Groups</th>
            <th>Result</th>
          </tr>
        </thead>
        <tbody>
          {taken.results.map((result) => (
            <Row key={result.name} result={result} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Row({ result }: { result: Taken['results'][number] }) {
  const { name, groups, state, uncompared, differing, differences, failure } = result;
  const more = differing - differences.length;
  return (
    <tr>
      <td>{name}</td>
      <td>{count(groups)}</td>
      <td>
        {state}
        {uncompared > 0 && `, ${many(uncompared, 'record')} left out`}
        {failure !== undefined && <div>{failure}</div>}
        {differences.map(({ group = '', expected, found }) => (
          <div key={group}>
            {group}
            {group && ': '}
            <code>{found}</code> where <code>{expected}</code> is expected
          </div>
        ))}
        {more > 0 && <div>and {count(more)} more</div>}
      </td>
    </tr>
  );
}
