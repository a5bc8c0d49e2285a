import { type ErrorCode, HandoverError } from '../errors.ts';

/** What the process ends with. Scripts rely on it: a number never changes its meaning. */
export const EXIT = {
  done: { code: 0, meaning: 'done' },
  unexpected: { code: 1, meaning: 'an unexpected error' },
  usage: { code: 2, meaning: 'the command line, the configuration or a definition is not valid' },
  refused: { code: 3, meaning: 'refused: a gate is closed, or the campaign cannot do this now' },
  problems: { code: 4, meaning: 'verify or doctor found problems' },
  held: { code: 5, meaning: 'waited, but the campaign is paused or records are quarantined and not skipped' },
  interrupted: { code: 6, meaning: 'interrupted; the campaign goes on where a worker runs' },
} as const satisfies Record<string, { code: number; meaning: string }>;

export type Exit = keyof typeof EXIT;

/** The first row whose prefix fits decides. */
const BY_CODE: readonly (readonly [prefix: string, exit: Exit])[] = [
  ['usage.', 'usage'],
  ['config.', 'usage'],
  ['definition.', 'usage'],
  ['key.', 'usage'],
  ['wait.interrupted', 'interrupted'],
  ['gate.', 'refused'],
  ['campaign.', 'refused'],
  ['invariant.', 'refused'],
  ['home.', 'refused'],
  ['upgrade.', 'refused'],
  ['reverse.missing', 'refused'],
  ['record.missing', 'refused'],
  ['delivery.', 'refused'],
  ['access.', 'refused'],
  ['request.', 'refused'],
  ['job.', 'refused'],
  ['record.whole', 'refused'],
  ['store.unsafe', 'refused'],
  ['store.readOnly', 'refused'],
  ['store.driver', 'usage'],
  ['dispatch.driver', 'usage'],
  ['subscription.invalid', 'usage'],
];

export function exitOf(error: unknown): Exit {
  if (!(error instanceof HandoverError)) return 'unexpected';
  const { code }: { code: ErrorCode } = error;
  return BY_CODE.find(([prefix]) => code.startsWith(prefix))?.[1] ?? 'unexpected';
}

/** The table, for `--help`. */
export const exitHelp = (): string =>
  ['Exit codes:', ...Object.values(EXIT).map(({ code, meaning }) => `  ${code}  ${meaning}`)].join('\n');
