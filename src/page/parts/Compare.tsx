import { text } from '../format.ts';
import type { RecordView, SideView } from '../types.ts';
import { Wide } from './Wide.tsx';

/** Both contents side by side, property by property. What differs is said, not only coloured. */
export function Compare({ view: { S, T } }: { view: RecordView }) {
  const names = [...new Set([...Object.keys(S.record ?? {}), ...Object.keys(T?.record ?? {})])].sort();
  return (
    <Wide label="Both contents">
      <table class="compare">
        <caption>Both contents, property by property. A new shape differs because the migration says so.</caption>
        <thead>
          <tr>
            <th scope="col">Property</th>
            <th scope="col">Old home</th>
            <th scope="col">New home</th>
            <th scope="col">
              <span class="unseen">Comparison</span>
            </th>
          </tr>
        </thead>
        <tbody>
          <tr>
            <th scope="row">is</th>
            <td>{roleOf(S)}</td>
            <td>{T ? roleOf(T) : 'not known: the new key could not be made'}</td>
            <td />
          </tr>
          {names.map((name) => {
            const [old, now] = [contentOf(S, name), contentOf(T, name)];
            return (
              <tr key={name} class={old === now ? '' : 'differs'}>
                <th scope="row">{name}</th>
                <td>{old ?? <span class="faint">none</span>}</td>
                <td>{now ?? <span class="faint">none</span>}</td>
                <td>{old === now ? 'same' : 'differs'}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </Wide>
  );
}

const roleOf = ({ role, problem }: SideView): string => (problem === undefined ? role : `${role}: ${problem}`);

const contentOf = (side: SideView | undefined, name: string): string | undefined =>
  side?.record && Object.hasOwn(side.record, name) ? text(side.record[name]) : undefined;
