import { hostname, userInfo } from 'node:os';
import { createInterface } from 'node:readline/promises';
import type { Writable } from 'node:stream';
import { type Clock, systemClock } from '../clock.ts';

/** All that a command line needs of the process it runs in, so that tests can be that process. */
export interface Io {
  /** Results, and nothing else. */
  readonly out: Writable;
  /** Progress, logs and errors. */
  readonly err: Writable;
  readonly cwd: string;
  /** Who commands, unless `--by` says otherwise. */
  readonly user: string;
  /** The machine that is commanded from. */
  readonly host: string;
  readonly clock: Clock;
  /** Asks who sits at the terminal; nothing said is ''. Unset where nobody does: a script is never kept waiting. */
  readonly ask?: (question: string) => Promise<string>;
  /** Calls back at the first SIGINT or SIGTERM; a second one ends the process. Returns how to stop listening. */
  readonly onInterrupt: (handler: () => void) => () => void;
}

export function processIo(): Io {
  return {
    out: process.stdout,
    err: process.stderr,
    cwd: process.cwd(),
    user: userName(),
    host: hostname(),
    clock: systemClock,
    onInterrupt,
    ...(process.stdin.isTTY && process.stderr.isTTY ? { ask } : {}),
  };
}

async function ask(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const gone = new AbortController();
  // Ctrl-C and Ctrl-D: without this, the question would stay open for ever.
  for (const end of ['SIGINT', 'close'] as const) lines.once(end, () => gone.abort());
  try {
    return await lines.question(question, { signal: gone.signal });
  } catch (error) {
    if (!gone.signal.aborted) throw error;
    process.stderr.write('\n');
    return '';
  } finally {
    lines.close();
  }
}

/** A terminal's width; 0 for what is none. */
export function columnsOf(stream: Writable): number {
  const { isTTY, columns } = stream as NodeJS.WriteStream;
  return isTTY ? columns || 80 : 0;
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

function onInterrupt(handler: () => void): () => void {
  const off = () => {
    for (const signal of SIGNALS) process.off(signal, first);
  };
  // Without a listener the next signal has its usual effect.
  const first = () => {
    off();
    handler();
  };
  for (const signal of SIGNALS) process.on(signal, first);
  return off;
}

/** A container may run under a user id that has no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? '?'}`;
  }
}
