import type { Command } from 'commander';
import type { CommandContext } from '../admin/commands.ts';
import type { Project } from '../define/load.ts';
import { HandoverError } from '../errors.ts';
import type { Exit } from './exitCodes.ts';
import type { Io } from './io.ts';

/** What a verb works with: the project, its store, and a signal that aborts when the user interrupts. */
export interface Session extends CommandContext {
  readonly io: Io;
  readonly project: Project;
  /** Whether the answer will be printed as JSON: then nothing is shown meanwhile. */
  readonly json: boolean;
  readonly signal: AbortSignal;
}

/** A verb's answer: the same facts as one JSON document and as text. */
export interface Reply {
  readonly data: unknown;
  readonly text: string;
  readonly exit?: Exit;
}

interface Described {
  /** As commander writes it: `start [migration]`. */
  readonly usage: string;
  readonly summary: string;
  /** Adds options, and what else `--help` says. */
  readonly configure?: (command: Command) => void;
}

export interface Verb<Options = Record<string, unknown>> extends Described {
  /** Whether it wants to know why, where it takes `--reason`. Unset: always. */
  readonly wantsReason?: (options: Options) => boolean;
  readonly run: (session: Session, args: readonly (string | undefined)[], options: Options) => Promise<Reply>;
}

/** A verb that needs no project: there may be none yet. */
export interface LoneVerb extends Described {
  readonly alone: (io: Io, options: Record<string, unknown>) => Promise<Reply>;
}

/** The migration that is meant: the one named, or the only one there is. Throws `usage.invalid`. */
export function meant({ migrations }: Pick<Session, 'migrations'>, name: string | undefined): string {
  if (name !== undefined) return name;
  const names = [...new Set(migrations.map((migration) => migration.name))];
  if (names.length === 1) return names[0]!;
  const known = names.length === 0 ? 'the migrations folder is empty' : `name one of ${names.join(', ')}`;
  throw new HandoverError('usage.invalid', `Which migration? ${known.replace(/^./, (c) => c.toUpperCase())}.`);
}

/** Parses a whole number. Throws `usage.invalid`. */
export const wholeNumber = (name: string, min: number, max = Number.MAX_SAFE_INTEGER) =>
  numberThat(
    name,
    max === Number.MAX_SAFE_INTEGER ? `a whole number from ${min}` : `a whole number from ${min} to ${max}`,
    (n) => {
      return Number.isSafeInteger(n) && n >= min && n <= max;
    },
  );

/** Parses a part of all, over 0 and up to 100. Throws `usage.invalid`. */
export const percentage = (name: string) => numberThat(name, 'a number over 0, up to 100', (n) => n > 0 && n <= 100);

function numberThat(name: string, what: string, holds: (n: number) => boolean): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (holds(value)) return value;
    throw new HandoverError('usage.invalid', `${name} takes ${what}, not ${JSON.stringify(text)}.`);
  };
}
