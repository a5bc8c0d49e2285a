import { moment, words } from '../format.ts';
import { link } from '../route.ts';
import type { SubscriptionView } from '../types.ts';

/** The subscription of a record: both URLs, what was asked last, and its journal. */
export function Subscription({ view }: { view: SubscriptionView }) {
  const { campaign, key, state, topic, asked, topicFailed, problem, journal } = view;
  return (
    <>
      <p class="lead">
        The subscription of <a href={link({ at: 'record', campaign, key })}>{key}</a> is <strong>{words(state)}</strong>
        .
      </p>
      {problem !== undefined && <p class="note warn">{problem}</p>}
      {asked && (
        <p>
          Asked last: {asked.mode} the {asked.side} URL, attempt {asked.attempt}. An answer is waited for until{' '}
          {moment(asked.deadlineAt)}.
        </p>
      )}
      {topicFailed && (
        <p class="note warn">
          Its topic failed: {topicFailed.cause}. It is asked again from {moment(topicFailed.at)}.
        </p>
      )}
      <p>
        Topic: <code>{topic}</code>
      </p>
      <div class="columns">
        <Callback name="Old URL" side={view.old} />
        <Callback name="New URL" side={view.new} />
      </div>
      <h2>Journal</h2>
      <ol class="timeline">
        {journal.map(({ seq, what, at, by }) => (
          <li key={seq}>
            <time dateTime={new Date(at).toISOString()}>{moment(at)}</time> <strong>{what}</strong> by {by}
          </li>
        ))}
      </ol>
    </>
  );
}

function Callback({ name, side }: { name: string; side: SubscriptionView['old'] }) {
  const { url, active, ...times } = side;
  return (
    <section class="card">
      <h2>{name}</h2>
      <p>
        <code>{url}</code>
      </p>
      <dl class="facts">
        <dt>Is</dt>
        <dd>{active ? 'active: the hub posts there' : 'not active'}</dd>
        {Object.entries(times).map(([what, at]) => [
          <dt key={what}>{words(what).replace(/ at$/, '')}</dt>,
          <dd key={`${what} at`}>{moment(at)}</dd>,
        ])}
      </dl>
    </section>
  );
}
