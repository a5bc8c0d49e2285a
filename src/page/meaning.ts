import { count, many } from './format.ts';
import type { CampaignStatus } from './types.ts';

/** What a stage means, for somebody who sees it for the first time. */
export function meaning(status: CampaignStatus): string {
  return MEANINGS[status.stage](status);
}

/** What is so of all records, with what is said of those that could not be moved. `is`: the same of one. */
function all({ records, quarantined: { count: left } }: CampaignStatus, are: string, is: string): string {
  if (left === 0)
    return records > 1
      ? `All ${count(records)} records ${are}`
      : records === 1
        ? `The one record ${is}`
        : `All records ${are}`;
  const rest = `${count(left)} could not be moved, and ${left === 1 ? 'is served where it is' : 'are served where they are'}`;
  return `${many(records, 'record')} ${records === 1 ? is : are}; ${rest}`;
}

const MEANINGS: Readonly<Record<CampaignStatus['stage'], (status: CampaignStatus) => string>> = {
  draft: () => 'Nothing has begun. No record was touched.',
  copying: () => 'Copies are being made at the new home. The old home is in charge.',
  copied: (status) =>
    `${all(status, 'have a copy at the new home', 'has a copy at the new home')}. The old home is in charge.`,
  switching: ({ settled }) =>
    settled
      ? 'A share has switched and rests there. The old home owns the others.'
      : 'Records are passing to the new home. Each is served at every moment.',
  switched: (status) =>
    `${all(status, 'are owned by the new home', 'is owned by the new home')}. The way back is open.`,
  completing: () => 'The old home’s side is being deleted. What is deleted does not come back.',
  completed: ({ quarantined: { count: left } }) =>
    left > 0
      ? `The campaign is over. The new home alone holds the records, but for ${count(left)} that could not be moved and stayed in the old home.`
      : 'The new home alone holds the records. The campaign is over.',
  reversing: () => 'Records are coming home, with what was written since.',
  home: (status) => `${all(status, 'are at home again', 'is at home again')}.`,
  upgrading: ({ upgradesTo }) => `Everything comes home and the copies go. Then version ${upgradesTo} takes over.`,
  cancelling: () => 'Everything comes home and the copies go. Then the campaign closes.',
  cancelled: () => 'Everything is at home. The campaign is over.',
};
