import type { CampaignStatus } from '../admin/inspect.ts';
import { count, many, moment } from './format.ts';

type Taken = NonNullable<CampaignStatus['invariants']>;

/** For `status`: in a line what was found last. */
export function invariantsLine({ results, at }: Taken): string {
  const parts = (['held', 'broken', 'unsettled'] as const).flatMap((state) => {
    const n = results.filter((result) => result.state === state).length;
    return n === 0 ? [] : [`${count(n)} ${state === 'broken' ? 'BROKEN' : state}`];
  });
  return `${parts.join(', ') || 'none to take here'}, taken ${moment(at)}`;
}

/** For `verify`: each of them, and where it does not hold. */
export function invariantsText(taken: Taken | undefined): string {
  if (!taken || taken.results.length === 0) return '';
  const how = taken.moment ? 'read at one moment' : `in ${many(taken.passes, 'pass', 'passes')}`;
  return [`Invariants, ${how}:`, ...taken.results.flatMap(lines)].join('\n');
}

function lines(result: Taken['results'][number]): string[] {
  const { name, state, records, groups, uncompared, differing, differences, failure } = result;
  const left = uncompared === 0 ? '' : `, ${count(uncompared)} left out`;
  const shown = differences.map(
    ({ group, expected, found }) =>
      `    ${group === undefined ? '' : `${group}: `}${found} where ${expected} is expected`,
  );
  const more = differing - differences.length;
  return [
    `  ${state === 'broken' ? 'BROKEN' : state}  ${name}: ${many(records, 'record')} in ${many(groups, 'group')}${left}`,
    ...(failure === undefined ? [] : [`    ${failure}`]),
    ...shown,
    ...(more > 0 ? [`    and ${many(more, 'group')} more`] : []),
  ];
}
