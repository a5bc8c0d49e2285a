import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { HAPPENINGS } from '../../src/server/notify/happenings.ts';

export const REPOSITORY = resolve(import.meta.dirname, '../..');

/** README.md and everything in docs/. */
export const PAGES: readonly string[] = [
  'README.md',
  ...readdirSync(join(REPOSITORY, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

export const textOf = (page: string): string => readFileSync(join(REPOSITORY, page), 'utf8');

/** A fenced block of code. */
export interface Block {
  readonly page: string;
  /** Of its opening fence, from 1. */
  readonly line: number;
  readonly language: string;
  readonly text: string;
}

export const placeOf = ({ page, line }: Block): string => `${page}:${line}`;

export function blocksOf(page: string, text = textOf(page)): Block[] {
  const lines = text.split('\n');
  const blocks: Block[] = [];
  for (let i = 0; i < lines.length; i++) {
    const fence = /^```(\S*)$/.exec(lines[i]!);
    if (!fence) continue;
    const end = lines.indexOf('```', i + 1);
    if (end < 0) throw new Error(`${page}:${i + 1}: the block has no end`);
    blocks.push({ page, line: i + 1, language: fence[1]!, text: lines.slice(i + 1, end).join('\n') });
    i = end;
  }
  return blocks;
}

/** The file that a block is, by its first line: `// migrations/feeds.ts`. */
export function fileOf({ text }: Block): { path: string; text: string } | undefined {
  const [first, ...rest] = text.split('\n');
  const path = /^\/\/ ([\w./-]+\.[cm]?[jt]s)$/.exec(first!)?.[1];
  return path === undefined ? undefined : { path, text: `${rest.join('\n')}\n` };
}

/** One command of a console block and what the page says comes of it. */
export interface Command {
  readonly place: string;
  readonly command: string;
  readonly expected: readonly string[];
  readonly exit: number;
}

/**
 * A console block: `$ command`, then its output. A line of `…` stands for lines that are left out. `$ echo $?` with a
 * number says how the command before it ended; without it, that is 0.
 */
export function commandsOf(block: Block): Command[] {
  const commands: Command[] = [];
  for (const [i, line] of block.text.split('\n').entries()) {
    const place = `${block.page}:${block.line + 1 + i}`;
    if (line.startsWith('$ ')) commands.push({ place, command: line.slice(2), expected: [], exit: 0 });
    else if (commands.length === 0) throw new Error(`${place}: output without a command`);
    else (commands.at(-1)!.expected as string[]).push(line);
  }
  return commands.flatMap((each, i) => {
    if (each.command === 'echo $?') return [];
    const after = commands[i + 1];
    return [after?.command === 'echo $?' ? { ...each, exit: Number(after.expected[0]) } : each];
  });
}

/** What differs from one run to the next. */
const VARYING: readonly (readonly [RegExp, string])[] = [
  [/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?Z/g, '<time>'],
  [/(<time>.*) by [^\s:]+/g, '$1 by <user>'],
  [/\bw[0-9a-f]{8}\b/g, '<worker>'],
  [/^( {2}version +)\d+$/g, '$1<n>'],
];

const steady = (line: string): string =>
  VARYING.reduce((text, [varying, name]) => text.replace(varying, name), line.trimEnd());

/** The first expected line that the output does not have in its place; undefined when it says what it should. */
export function difference(expected: readonly string[], output: string): string | undefined {
  const lines = output.replace(/\n+$/, '').split('\n').map(steady);
  const found = output === '' ? [] : lines;
  const wanted = expected.map(steady);
  while (wanted.at(-1) === '') wanted.pop();
  let at = 0;
  let skipping = false;
  for (const line of wanted) {
    if (line === '…') {
      skipping = true;
      continue;
    }
    const here = skipping ? found.indexOf(line, at) : found[at] === line ? at : -1;
    if (here < 0) return `${JSON.stringify(line)}, where the output has ${JSON.stringify(found[at] ?? 'nothing more')}`;
    at = here + 1;
    skipping = false;
  }
  if (skipping || at >= found.length) return undefined;
  return `nothing more, where the output has ${JSON.stringify(found[at])}`;
}

/** What stands below a heading, down to the next one. */
export function sectionOf(page: string, heading: string): string {
  const lines = textOf(page).split('\n');
  const start = lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, '') === heading);
  if (start < 0) throw new Error(`${page} has no heading ${JSON.stringify(heading)}`);
  const end = lines.findIndex((line, i) => i > start && /^#+ /.test(line));
  return lines.slice(start + 1, end < 0 ? undefined : end).join('\n');
}

/** Cells of each row of the tables below a heading, without code marks; the heads are left out. */
export function tablesBelow(page: string, heading: string): string[][][] {
  const lines = sectionOf(page, heading).split('\n');
  const tables: string[][][] = [];
  for (const [i, line] of lines.entries()) {
    if (!line.startsWith('|')) continue;
    if (!lines[i - 1]?.startsWith('|')) tables.push([]);
    tables.at(-1)!.push(cellsOf(line));
  }
  return tables.map((rows) => rows.slice(2));
}

/** Every event that the program logs, by its name. */
export function loggedEvents(): string[] {
  const files = readdirSync(join(REPOSITORY, 'src'), { recursive: true, encoding: 'utf8' });
  const sources = files.filter((file) => file.endsWith('.ts')).map((file) => textOf(join('src', file)));
  const named = sources.flatMap((text) => [...text.matchAll(/\bevent: '([a-z]+\.[a-z]+)'/g)].map(([, name]) => name!));
  return [...new Set([...named, ...HAPPENINGS])].sort();
}

/** The first of them, which must be there. */
export function tableBelow(page: string, heading: string): string[][] {
  const [first] = tablesBelow(page, heading);
  if (!first?.length) throw new Error(`${page}: there is no table below ${JSON.stringify(heading)}`);
  return first;
}

const cellsOf = (row: string): string[] =>
  row
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim().replaceAll('\\|', '|').replaceAll('`', ''));
