import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import type { LastWrite } from './expected.ts';

/**
 * What was acknowledged, in the memory of those who were told: one line a write, appended when the answer was there and
 * before anything else is done with that record. It outlives its process, and `close` makes it outlive the machine.
 */
export class AckLog {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, 'a');
  }

  /** `text`: where this write brought one. */
  append(n: number, { visits, token, text = '' }: LastWrite): void {
    writeSync(this.#file, `${n} ${visits} ${token} ${encodeURIComponent(text)}\n`);
  }

  close(): void {
    fsyncSync(this.#file);
    closeSync(this.#file);
  }
}

export interface Acknowledged {
  /** Of every record that was written: the last write. */
  readonly last: ReadonlyMap<number, LastWrite>;
  readonly writes: number;
  /** Lines that do not follow the record's line before by one visit: who wrote them lost or repeated something. */
  readonly irregular: number;
}

export function readAckLog(path: string): Acknowledged {
  const last = new Map<number, LastWrite>();
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n') : [''];
  // What follows the last line break is a line that was being written when its process died, or nothing.
  lines.pop();
  let irregular = 0;
  for (const line of lines) {
    const [n, visits, token, said] = line.split(' ');
    const text = said ? decodeURIComponent(said) : last.get(Number(n))?.text;
    const write = { visits: Number(visits), token: token!, ...(text === undefined ? {} : { text }) };
    if (write.visits !== (last.get(Number(n))?.visits ?? 0) + 1) irregular++;
    last.set(Number(n), write);
  }
  return { last, writes: lines.length, irregular };
}
