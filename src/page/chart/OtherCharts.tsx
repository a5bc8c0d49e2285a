import { useApp } from '../app.ts';
import { count, words } from '../format.ts';
import { Wide } from '../parts/Wide.tsx';
import type { CampaignStatus } from '../types.ts';
import { Drawn } from './Drawn.tsx';
import { isInPlace } from './RecordChart.tsx';

/** The campaign's own machine, and those of its groups and subscriptions where it has some. */
export function OtherCharts({ status }: { status: CampaignStatus }) {
  const { charts } = useApp();
  const { stage, groups, subscriptions, inPlace } = status;
  const rows = [
    {
      name: 'stage',
      title: 'The campaign’s stages',
      label: `Statechart of the campaign. It is ${stage}.`,
      current: stage,
    },
    ...(groups ? [{ name: 'group', title: 'Groups, by state', label: counted(groups), counts: groups }] : []),
    ...(inPlace && !isInPlace(status)
      ? [{ name: 'field', title: 'Records rewritten in place, by state', label: counted(inPlace), counts: inPlace }]
      : []),
    ...(subscriptions
      ? [
          {
            name: 'subscription',
            title: 'Subscriptions, by state',
            label: counted(subscriptions),
            counts: subscriptions,
          },
        ]
      : []),
  ];
  return (
    <>
      {rows.map(({ name, title, ...rest }) => {
        const chart = charts[name];
        if (!chart) return null;
        return (
          <details key={name} open={name !== 'stage'}>
            <summary>{title}</summary>
            <Wide label={title}>
              <Drawn chart={chart} {...rest} />
            </Wide>
          </details>
        );
      })}
    </>
  );
}

const counted = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([state, n]) => `${words(state)} ${count(n)}`)
    .join(', ');
