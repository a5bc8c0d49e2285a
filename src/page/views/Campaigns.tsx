import { useApp } from '../app.ts';
import { count, many, moment, percent } from '../format.ts';
import { meaning } from '../meaning.ts';
import { Badge } from '../parts/Badge.tsx';
import { Bar } from '../parts/Bar.tsx';
import { Give } from '../parts/Give.tsx';
import { link } from '../route.ts';
import type { CampaignStatus } from '../types.ts';

const INBOX = ['waiting', 'running', 'failing', 'dead'] as const;

/** All campaigns, the open ones first, and migrations that were never started. */
export function Campaigns() {
  const app = useApp();
  const { campaigns, unstarted, inbox } = app.status;
  const open = campaigns.filter(({ closed }) => !closed);
  const over = campaigns.filter(({ closed }) => closed);
  return (
    <>
      <h1>Campaigns</h1>
      {campaigns.length === 0 && <p>There is no campaign yet.</p>}
      {open.length > 0 && (
        <section>
          <h2>Open</h2>
          <ul class="cards">
            {open.map((status) => (
              <Card key={status.campaign} status={status} />
            ))}
          </ul>
        </section>
      )}
      {unstarted.length > 0 && (
        <section>
          <h2>Never started</h2>
          <ul class="cards">
            {unstarted.map(({ name, version, after }) => (
              <li class="card" key={name}>
                <h3>
                  {name} <span class="faint">version {version}</span>
                </h3>
                {after.length > 0 && <p>Comes after {after.join(', ')}.</p>}
                <p class="row">
                  <a class="button" href={link({ at: 'plan', migration: name })}>
                    Plan {name}
                  </a>
                  <Give verb="start" onPress={() => app.command({ verb: 'start', migration: name, options: {} })}>
                    Start {name}…
                  </Give>
                </p>
              </li>
            ))}
          </ul>
        </section>
      )}
      {inbox && (
        <section>
          <h2>Webhook inbox</h2>
          <p>
            <a href={link({ at: 'deliveries' })}>Deliveries</a>:{' '}
            {INBOX.map((state) => `${state} ${count(inbox[state])}`).join(', ')}
            {inbox.more && ', and more'}
            {inbox.oldestAt !== undefined && `. The oldest came in ${moment(inbox.oldestAt)}`}.
          </p>
          {inbox.forged.length > 0 && (
            <p class="note warn">
              {many(inbox.forged.length, 'URL')} had deliveries that nobody with a secret signed: handover status names
              them.
            </p>
          )}
        </section>
      )}
      {over.length > 0 && (
        <section>
          <h2>Over</h2>
          <ul class="cards">
            {over.map((status) => (
              <Card key={status.campaign} status={status} />
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

function Card({ status }: { status: CampaignStatus }) {
  const { campaign, records, quarantined, sweep, closed } = status;
  return (
    <li class="card">
      <h3>
        <a href={link({ at: 'campaign', campaign })}>{campaign}</a> <Badge status={status} />
      </h3>
      <p>{meaning(status)}</p>
      {sweep.running && <Bar label={`Sweep ${sweep.number} of ${campaign}`} share={sweep.share} />}
      <p class="faint">
        {many(records, 'record')} counted{status.countedIn === 'running sweep' && ' so far'}
        {sweep.running && !closed && `, sweep ${sweep.number} at ${percent(sweep.share)}`}
        {quarantined.count > 0 && (
          <>
            {', '}
            <a href={link({ at: 'quarantine', campaign })}>{count(quarantined.count)} quarantined</a>
          </>
        )}
      </p>
    </li>
  );
}
