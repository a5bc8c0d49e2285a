import { type HistoryRow, history } from '../../admin/history.ts';
import { count, many, moment, paragraphs, table } from '../format.ts';
import type { Verb } from '../verb.ts';

export const historyVerb: Verb = {
  usage: 'history',
  summary: 'list every campaign that there ever was: what ran, when, by whom, with its proof',
  async run(session) {
    const data = await history(session);
    return { data, text: paragraphs(...data.campaigns.map(rowText)) || 'No migration was ever started.' };
  },
};

function rowText(row: HistoryRow): string {
  const { campaign, version, known, stage, closed, started, last, endedAt, records, quarantined } = row;
  const facts: [string, string][] = [];
  if (started) facts.push(['started', `${moment(started.at)} by ${started.by}`]);
  if (last)
    facts.push(['last', `${moment(last.at)} ${last.what} by ${last.by}${last.reason ? `: ${last.reason}` : ''}`]);
  if (endedAt !== undefined) facts.push(['ended', moment(endedAt)]);
  if (records !== undefined) facts.push(['records', count(records)]);
  if (quarantined > 0) facts.push(['quarantined', `${count(quarantined)}${closed ? ', left in the old home' : ''}`]);
  facts.push(['proof', proofText(row)]);
  const gone = known ? '' : ', no longer in the folder';
  return `${campaign}  version ${version}, ${stage}${closed ? '' : ', open'}${gone}\n${table(facts, '  ')}`;
}

function proofText({ proof }: HistoryRow): string {
  if (!proof) return 'never verified';
  const { at, stage, started, completed, inFlight, quarantined, duplicates, gaps, clean } = proof;
  const way = inFlight > 0 ? ` + ${count(inFlight)} in flight` : '';
  const sum = `${count(started)} started = ${count(completed)} completed + ${count(quarantined)} quarantined${way}`;
  const found = `${many(duplicates, 'duplicate')}, ${many(gaps, 'gap')}`;
  return `${clean ? 'clean' : 'NOT clean'}, ${moment(at)}, ${stage}: ${sum}; ${found}`;
}
