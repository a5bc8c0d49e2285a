import type { PlanReport, PlanStep } from '../engine/planReport.ts';
import { type Cell, count, markdownTable, paragraphs } from './format.ts';
import {
  backOutText,
  changeText,
  costRows,
  headline,
  notesOf,
  problemsText,
  ruleRows,
  subscriptionNote,
  subscriptionRows,
  verdictOf,
  warningsOf,
} from './planText.ts';
import { planReferencesText, undeclaredText } from './referencesText.ts';

/** A plan to put into a change request. */
export function planMarkdown(report: PlanReport, store: string): string {
  const { migration, version, records, steps } = report;
  const moves = records > 0;
  const subscribed = subscriptionRows(report);
  return paragraphs(
    `# Plan: ${migration} version ${version}`,
    headline(report),
    markdownTable(ruleRows(report)),
    moves ? '## Steps\n\nOne small change at a time, of code or of data, each compatible with the one before it.' : '',
    moves ? markdownTable([STEP_HEAD, ...steps.map(stepRow)]) : '',
    moves ? '## Cost\n\nWithout live traffic:' : '',
    moves ? markdownTable(costRows(report)) : '',
    moves
      ? notesOf(report, store)
          .map(([word, note]) => `- **${word}**: ${note}`)
          .join('\n')
      : '',
    subscribed.length > 0 ? '## Subscriptions\n\nAnd the requests that are made for them:' : '',
    subscribed.length > 0 ? markdownTable(subscribed) : '',
    asList(subscriptionNote(report)),
    asList(planReferencesText(report)),
    asList(undeclaredText(report)),
    '## Findings',
    ...warningsOf(report).map(asList),
    asList(problemsText(report)),
    verdictOf(report),
  );
}

const STEP_HEAD: readonly Cell[] = [
  '',
  'step',
  'changes',
  'the application reads',
  'and writes',
  'runs side by side',
  'operations',
  'check',
  'back-out',
];

function stepRow({ name, changes, command, reads, writes, compatible, check, cost, backOut }: PlanStep, i: number) {
  const operations = cost.reads + cost.writes + cost.deletes;
  return [
    String(i + 1),
    command ? `${name}: \`${command}\`` : name,
    changes,
    changeText(reads),
    changeText(writes),
    compatible,
    changes === 'code' ? 'none' : count(operations),
    `\`${check}\``,
    backOutText(backOut, '`'),
  ];
}

/** Lines that are indented become a list. */
const asList = (text: string): string =>
  text
    .split('\n')
    .map((line) => line.replace(/^( {2,})(?=\S)/, (indent) => `${' '.repeat(indent.length - 2)}- `))
    .join('\n');
