import { type GroupView, type RecordView, type SideView, type SubscriptionView, show } from '../../admin/inspect.ts';
import { plain } from '../../admin/plain.ts';
import { HandoverError } from '../../errors.ts';
import { bytes, instant, many, paragraphs, table } from '../format.ts';
import { subscriptionText } from '../subscriptionText.ts';
import { meant, type Verb } from '../verb.ts';
import { recordsTable } from './records.ts';

export const showVerb: Verb = {
  usage: 'show <migration> [key]',
  summary: 'show one record by its old or new key, the subscription of a record, or one group by its root',
  configure: (command) =>
    command.addHelpText('after', "\nKeys are written Kind:name or Kind:123: handover show feeds 'User:ann/Feed:7'"),
  async run(session, [first, second]) {
    // The only migration need not be named: then the first word is the key.
    const name = second === undefined ? meant(session, undefined) : first!;
    const key = second ?? first;
    if (key === undefined) throw new HandoverError('usage.invalid', 'Which record? Name it by its key.');
    const view = await show(session, name, key);
    return { data: plain(view), text: textOf(view) };
  },
};

function textOf(view: RecordView | GroupView | SubscriptionView): string {
  if (view.kind === 'record') return recordText(view);
  return view.kind === 'group' ? groupText(view) : subscriptionText(view);
}

function recordText(view: RecordView): string {
  const { key, into, state, target, next, code, message, S, T, journal } = view;
  const facts: (readonly [string, string])[] = [
    ['old key', key],
    ['new key', into ?? 'not known'],
    ['state', state],
    ...(target ? ([['wanted', target]] as const) : []),
    ['next move', next ?? (code ? 'none, until it is retried' : 'none: it rests')],
    ...(code ? ([['cause', `${code}: ${message}`]] as const) : []),
  ];
  const moves = journal.map(({ seq, move, at, by }) => [`${seq}`, instant(at), move, by]);
  return paragraphs(
    table(facts),
    sideText('old home', S),
    T && sideText('new home', T),
    moves.length > 0 ? `journal\n${table(moves, '  ')}` : 'No move was made yet.',
  );
}

function sideText(title: string, side: SideView): string {
  if (side.role === 'absent') return `${title}: nothing`;
  const { slot, fingerprint, problem } = side;
  const rows: (readonly [string, string])[] = [
    ['role', side.role],
    ['content', `${bytes(side.bytes ?? 0)}, fingerprint ${fingerprint}`],
    ['version', String(side.version)],
    ...(slot ? ([['made from', slot.of === '' ? '-' : slot.of]] as const) : []),
    ...(problem ? ([['problem', problem]] as const) : []),
  ];
  const content = side.record ? JSON.stringify(plain(side.record)) : undefined;
  return `${title}: ${side.key}\n${table(rows, '  ')}${content ? `\n  ${shortened(content)}` : ''}`;
}

const shortened = (text: string): string => (text.length > 300 ? `${text.slice(0, 300)}…` : text);

function groupText({ group, state, members, more }: GroupView): string {
  const head = `group ${group}${state ? `: ${state}` : ''}, ${many(members.length, 'member')}${more ? ' and more' : ''}`;
  return `${head}\n${recordsTable(members, '  ')}`;
}
