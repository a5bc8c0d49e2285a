import { paths } from '../api.ts';
import { useApp } from '../app.ts';
import { count, moment, words } from '../format.ts';
import { Compare } from '../parts/Compare.tsx';
import { Missing } from '../parts/Missing.tsx';
import { RowTable } from '../parts/RowTable.tsx';
import { Subscription } from '../parts/Subscription.tsx';
import { Tabs } from '../parts/Tabs.tsx';
import { link } from '../route.ts';
import type { GroupView, RecordView, SideView, SubscriptionView } from '../types.ts';
import { useAnswer } from '../use.ts';

/** One record with its pair and its journal, or one group with its members. */
export function Record({ id, name }: { id: string; name: string }) {
  const status = useApp().campaign(id);
  const { body, trouble, again } = useAnswer<RecordView | GroupView | SubscriptionView>(paths.record(name, id));
  if (!status) return <Missing what={`There is no campaign ${id}.`} />;
  return (
    <>
      <Tabs status={status} at="record" title={name} />
      {trouble && (
        <p class="note bad" role="alert">
          {trouble}
        </p>
      )}
      {body?.kind === 'record' && <One view={body} onLook={again} />}
      {body?.kind === 'group' && <Group view={body} />}
      {body?.kind === 'subscription' && <Subscription view={body} />}
    </>
  );
}

function One({ view, onLook }: { view: RecordView; onLook: () => void }) {
  const { S, T, state, target, next, code, message, journal, campaign } = view;
  const group = T?.key.includes('/') ? T.key.split('/')[0]! : undefined;
  return (
    <>
      <p class="lead">
        It is <strong>{words(state)}</strong>
        {target !== undefined && ` and wanted ${words(target)}`}.{' '}
        {next === undefined
          ? 'It rests.'
          : `Next, a worker would ${next.replace('S', 'at the old home').replace('T', 'at the new home')}.`}{' '}
        <button type="button" class="quiet" onClick={onLook}>
          Look again
        </button>
      </p>
      {code !== undefined && (
        <p class="note warn">
          <code>{code}</code> {message}
        </p>
      )}
      <section>
        <h2>Pair</h2>
        <div class="columns">
          <Side name="Old home" side={S} />
          {T ? <Side name="New home" side={T} /> : <p>Its new key could not be made.</p>}
        </div>
        <Compare view={view} />
      </section>
      {group !== undefined && (
        <section>
          <h2>Group</h2>
          <p>
            <a href={link({ at: 'record', campaign, key: group })}>{group}</a>
          </p>
        </section>
      )}
      <section>
        <h2>Journal</h2>
        {journal.length === 0 ? (
          <p>No move is noted on either side.</p>
        ) : (
          <ol class="timeline">
            {journal.map(({ seq, move, at, by }) => (
              <li key={seq}>
                <time dateTime={new Date(at).toISOString()}>{moment(at)}</time> <strong>{move}</strong> by {by}
              </li>
            ))}
          </ol>
        )}
        <p class="faint">Sides: S is the old home, T the new one. Each side keeps its newest moves.</p>
      </section>
    </>
  );
}

function Side({ name, side: { key, role, version, bytes, fingerprint, problem } }: { name: string; side: SideView }) {
  return (
    <div class="card">
      <h3>{name}</h3>
      <dl class="facts">
        <dt>Key</dt>
        <dd>
          <code>{key}</code>
        </dd>
        <dt>Is</dt>
        <dd>{role}</dd>
        {version !== undefined && (
          <>
            <dt>Version</dt>
            <dd>{String(version)}</dd>
          </>
        )}
        {bytes !== undefined && (
          <>
            <dt>Bytes</dt>
            <dd>{count(bytes)}</dd>
          </>
        )}
        {fingerprint !== undefined && (
          <>
            <dt>Content</dt>
            <dd>
              <code>{fingerprint.slice(0, 16)}</code>
            </dd>
          </>
        )}
        {problem !== undefined && (
          <>
            <dt>Problem</dt>
            <dd>{problem}</dd>
          </>
        )}
      </dl>
    </div>
  );
}

function Group({ view: { group, state, members, more, campaign } }: { view: GroupView }) {
  return (
    <section>
      <h2>Group {group}</h2>
      {state !== undefined && (
        <p>
          It is <strong>{state}</strong>.
        </p>
      )}
      <RowTable rows={members} campaign={campaign} caption={`Members of ${group}`} />
      {more && <p class="faint">There are more.</p>}
    </section>
  );
}
