import { doctor, type Finding } from '../../admin/doctor.ts';
import { count, paragraphs, wrap } from '../format.ts';
import { columnsOf } from '../io.ts';
import type { Verb } from '../verb.ts';

export const doctorVerb: Verb = {
  usage: 'doctor',
  summary: 'check the configuration, the definitions, and what the store can really do',
  async run(session) {
    const { problems, findings } = await doctor(session);
    const text = findingsText(findings, columnsOf(session.io.out) || 100, problems);
    return { data: { problems, findings }, text, exit: problems > 0 ? 'problems' : 'done' };
  },
};

function findingsText(findings: readonly Finding[], width: number, problems: number): string {
  const lines = findings.map(({ level, what, meaning }) => {
    const mark = level === 'ok' ? 'ok      ' : level === 'note' ? 'note    ' : 'PROBLEM ';
    return `${mark} ${what}\n${wrap(meaning, width, '         ')}`;
  });
  const verdict = problems === 0 ? 'No problem was found.' : `${count(problems)} problem${problems === 1 ? '' : 's'}.`;
  return paragraphs(lines.join('\n'), verdict);
}
