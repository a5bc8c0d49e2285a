import { type AuditPage, audit } from '../../admin/audit.ts';
import { moment, paragraphs, table } from '../format.ts';
import { meant, type Verb, wholeNumber } from '../verb.ts';

interface Options {
  readonly limit?: number;
  readonly after?: number;
}

export const auditVerb: Verb<Options> = {
  usage: 'audit [migration]',
  summary: 'list every command that a campaign was given: who, when, what, why, from where',
  configure: (command) =>
    command
      .option('--limit <n>', 'how many (default: 20)', wholeNumber('--limit', 1, 10_000))
      .option('--after <cursor>', 'go on where the page before ended', wholeNumber('--after', 0)),
  async run(session, [name], options) {
    const page = await audit(session, meant(session, name), { limit: 20, ...options });
    const next = page.next === undefined ? '' : `More: --after ${page.next}`;
    return { data: page, text: paragraphs(auditTable(page), next) || 'None.' };
  },
};

const auditTable = ({ commands }: AuditPage): string =>
  table(
    commands.map(({ number, at, by, what, reason, from }) => [
      String(number),
      moment(at),
      by,
      from ? [from.way, from.address].filter(Boolean).join(' ') : '',
      reason === undefined ? what : `${what}: ${reason}`,
    ]),
  );
