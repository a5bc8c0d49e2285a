import { words } from '../format.ts';
import { link } from '../route.ts';
import type { RecordRow } from '../types.ts';
import { Wide } from './Wide.tsx';

export function RowTable({
  rows,
  campaign,
  caption,
}: {
  rows: readonly RecordRow[];
  campaign: string;
  caption: string;
}) {
  return (
    <Wide label={caption}>
      <table>
        <caption>{caption}</caption>
        <thead>
          <tr>
            <th scope="col">Old key</th>
            <th scope="col">New key</th>
            <th scope="col">State</th>
            <th scope="col">Wanted</th>
            <th scope="col">Next</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ key, into, state, target, next, code }) => (
            <tr key={key}>
              <th scope="row">
                <a href={link({ at: 'record', campaign, key })}>{key}</a>
              </th>
              <td>{into}</td>
              <td>
                {words(state)} {code !== undefined && <code>{code}</code>}
              </td>
              <td>{target}</td>
              <td>{next ?? 'rests'}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Wide>
  );
}
