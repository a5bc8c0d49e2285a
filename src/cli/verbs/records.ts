import { theCampaign } from '../../admin/commands.ts';
import { campaignStatus, countRecords, type RecordRow, records } from '../../admin/inspect.ts';
import { count, moment, paragraphs, table } from '../format.ts';
import { meterFor } from '../meter.ts';
import { meant, type Reply, type Session, type Verb, wholeNumber } from '../verb.ts';

interface Options {
  readonly quarantined?: boolean;
  readonly state?: string;
  readonly code?: string;
  readonly limit?: number;
  readonly after?: string;
  readonly count?: boolean;
  readonly mismatches?: boolean;
}

export const recordsVerb: Verb<Options> = {
  usage: 'records [migration]',
  summary: 'list records with their states, or count them',
  configure: (command) =>
    command
      .option('--quarantined', 'only those that could not be moved, with the cause')
      .option('--code <code>', 'of those only the ones with this cause, as `target.occupied`')
      .option('--state <state>', 'only those in this state, as `copied`')
      .option('--limit <n>', 'how many (default: 20)', wholeNumber('--limit', 1, 10_000))
      .option('--after <cursor>', 'go on where the page before ended')
      .option('--mismatches', 'the last copies that shadow reads found to differ, with both values')
      .option('--count', 'count per state instead, by looking at every record'),
  async run(session, [name], options) {
    const migration = meant(session, name);
    if (options.count) return counted(session, migration);
    if (options.mismatches) return mismatched(session, migration);
    const { count: _, mismatches: __, ...which } = options;
    const page = await records(session, migration, { limit: 20, ...which });
    const next = page.next === undefined ? '' : `More: --after ${JSON.stringify(page.next)}`;
    return { data: page, text: page.records.length === 0 ? 'None.' : paragraphs(recordsTable(page.records), next) };
  },
};

export function recordsTable(rows: readonly RecordRow[], indent = ''): string {
  const causes = rows.some(({ code }) => code !== undefined);
  return table(
    rows.map(({ key, into, state, target, next, code, message, skipped }) => [
      key,
      into ?? '',
      skipped ? `${state}, skipped` : state,
      causes ? (code ? `${code}: ${message}` : '') : next ? `${next}, for ${target}` : '',
    ]),
    indent,
  );
}

async function mismatched(session: Session, migration: string): Promise<Reply> {
  const { mismatches = { count: 0, last: [] } } = await campaignStatus(session, await theCampaign(session, migration));
  const shown = mismatches.last.map(
    ({ at, from, into, expected, found }) =>
      `${from}  ${into}  ${moment(at)}\n  should say  ${expected}\n  says        ${found}`,
  );
  const more = mismatches.count - shown.length;
  return { data: mismatches, text: paragraphs(...shown, more > 0 ? `And ${count(more)} before.` : '') || 'None.' };
}

async function counted(session: Session, migration: string): Promise<Reply> {
  const meter = meterFor(session.io, session.json);
  const onProgress = async (done: number) => {
    meter.show({ name: `${migration} count`, done });
    await session.clock.sleep(0);
  };
  try {
    const states = await countRecords(session, migration, { onProgress, signal: session.signal });
    const rows = Object.entries(states).sort(([, a], [, b]) => b - a);
    const all = rows.reduce((sum, [, n]) => sum + n, 0);
    return { data: { records: all, states }, text: `${count(all)} records\n${table(rows, '  ')}` };
  } finally {
    meter.stop();
  }
}
