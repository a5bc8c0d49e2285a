import type { Forged, InboxStatus } from '../admin/deliverySchema.ts';
import { count, moment, table } from './format.ts';

/** Deliveries that wait or are dead, and those that somebody forged. */
export function inboxText(status: InboxStatus): string {
  const { forged } = status;
  const rows = [
    ['deliveries', deliveriesText(status)],
    ...forged.map((each, i) => [i === 0 ? 'forged' : '', forgedText(each)]),
  ];
  return `inbox\n${table(rows, '  ')}`;
}

function deliveriesText({ waiting, running, failing, dead, more, oldestAt }: InboxStatus): string {
  const parts = Object.entries({ waiting, running, failing, dead }).filter(([, n]) => n > 0);
  if (parts.length === 0) return 'all applied';
  const counts = parts.map(([state, n]) => `${state} ${count(n)}`).join(', ');
  const oldest = oldestAt === undefined ? '' : `; the oldest since ${moment(oldestAt)}`;
  return `${counts}${more ? ', and more' : ''}${oldest}${dead > 0 ? ': handover deliveries --state dead' : ''}`;
}

const forgedText = ({ subscription, side, count: n, why, lastAt }: Forged): string =>
  `${count(n)} on the ${side} URL of ${subscription}, the last ${moment(lastAt)}: signature ${WHY[why] ?? why}`;

const WHY: Readonly<Record<string, string>> = { missing: 'missing', mismatch: 'wrong', stale: 'too old or too new' };
