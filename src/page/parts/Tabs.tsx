import { count } from '../format.ts';
import { link, type Route } from '../route.ts';
import type { CampaignStatus } from '../types.ts';
import { Badge } from './Badge.tsx';

type Place = Extract<Route, { campaign: string }>['at'];

/** The head of every view of one campaign. `title`: of what the view is about, where that is not the campaign. */
export function Tabs({ status, at, title }: { status: CampaignStatus; at: Place; title?: string }) {
  const { campaign, quarantined, commands } = status;
  const tabs = [
    ['campaign', 'Overview'],
    ['quarantine', `Quarantine (${count(quarantined.count)})`],
    ['records', 'Records'],
    ['audit', `Audit trail (${count(commands)})`],
  ] as const;
  return (
    <>
      {title === undefined ? (
        <h1>
          {campaign} <Badge status={status} />
        </h1>
      ) : (
        <p class="lead">
          <a href={link({ at: 'campaign', campaign })}>{campaign}</a> <Badge status={status} />
        </p>
      )}
      <nav class="tabs" aria-label={`Views of ${campaign}`}>
        {tabs.map(([place, name]) => (
          <a
            key={place}
            href={link({ at: place, campaign })}
            {...(place === at ? { 'aria-current': 'page' as const } : {})}
          >
            {name}
          </a>
        ))}
      </nav>
      {title !== undefined && <h1>{title}</h1>}
    </>
  );
}
