/** Numbers and tables as people read them. */
const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

export const count = (n: number): string => grouped.format(n);

/** `1 record`, `2 records`. */
export const many = (n: number, noun: string, plural = `${noun}s`): string => `${count(n)} ${n === 1 ? noun : plural}`;

export function bytes(n: number): string {
  const units = ['bytes', 'KB', 'MB', 'GB', 'TB', 'PB'];
  let unit = 0;
  let value = n;
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000;
  return unit === 0 ? `${count(n)} bytes` : `${value.toFixed(value < 10 ? 1 : 0)} ${units[unit]}`;
}

/** `8 s`, `2 min 5 s`, `3 h 20 min`, `2 d 4 h`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const parts = (big: number, bigUnit: string, small: number, smallUnit: string) =>
    `${big} ${bigUnit}${small > 0 ? ` ${small} ${smallUnit}` : ''}`;
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return parts(Math.floor(seconds / 60), 'min', seconds % 60, 's');
  if (seconds < 86_400) return parts(Math.floor(seconds / 3600), 'h', Math.floor((seconds % 3600) / 60), 'min');
  return parts(Math.floor(seconds / 86_400), 'd', Math.floor((seconds % 86_400) / 3600), 'h');
}

/** `2026-05-01 12:00:07.123Z` */
export const instant = (ms: number): string => new Date(ms).toISOString().replace('T', ' ');

/** `2026-05-01 12:00:07Z` */
export const moment = (ms: number): string => instant(ms).replace(/\.\d+Z$/, 'Z');

export const percent = (share: number): string => `${Math.floor(share * 100)} %`;

export type Cell = string | number | Right | undefined;

/** A text that stands at the right, as the head of a column of numbers. */
interface Right {
  readonly right: string;
}

export const right = (text: string): Right => ({ right: text });

const cellText = (cell: Cell): string =>
  typeof cell === 'number' ? count(cell) : typeof cell === 'object' ? cell.right : (cell ?? '');

const isRight = (cell: Cell): boolean => typeof cell === 'number' || typeof cell === 'object';

/** Columns as wide as their widest cell; numbers stand at the right. */
export function table(rows: readonly (readonly Cell[])[], indent = ''): string {
  const width: number[] = [];
  const shown = rows.map((row) => row.map(cellText));
  for (const row of shown) for (const [i, cell] of row.entries()) width[i] = Math.max(width[i] ?? 0, cell.length);
  const line = (row: readonly string[], r: number) =>
    row.map((cell, i) => (isRight(rows[r]![i]) ? cell.padStart(width[i]!) : cell.padEnd(width[i]!)));
  return shown.map((row, r) => `${indent}${line(row, r).join('  ')}`.trimEnd()).join('\n');
}

/** The same for a change request: the first row is the head, and what stands at the right in it says so for its column. */
export function markdownTable([head, ...rows]: readonly (readonly Cell[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const text = (cell: Cell) => cellText(cell).replaceAll('|', '\\|');
  const rule = head!.map((cell) => (isRight(cell) ? '---:' : '---'));
  return [line(head!.map(text)), line(rule), ...rows.map((row) => line(head!.map((_, i) => text(row[i]))))].join('\n');
}

/** Parts of an answer, with an empty line in between; empty parts are left out. */
export const paragraphs = (...parts: readonly (string | undefined)[]): string => parts.filter(Boolean).join('\n\n');

/** Whole words on lines of at most `width` characters. */
export function wrap(text: string, width: number, indent = ''): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && indent.length + line.length + 1 + word.length > width) {
      lines.push(line);
      line = '';
    }
    line += line === '' ? word : ` ${word}`;
  }
  return [...lines, line].map((each) => `${indent}${each}`).join('\n');
}
