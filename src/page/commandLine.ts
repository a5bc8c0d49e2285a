import type { Options } from './options.ts';
import { VERBS, type VerbId } from './verbs.ts';

/** The same on a command line: one line for each key. */
export function commandLines(id: VerbId, migration: string, { keys, ...options }: Options): readonly string[] {
  const flags = flagsOf(id, options);
  const line = (more: readonly string[]) => ['handover', id, migration, ...flags, ...more].join(' ');
  return keys ? keys.map((key) => line([`--key ${quoted(key)}`])) : [line([])];
}

function flagsOf(id: VerbId, options: Options): readonly string[] {
  const { share = 100, to = 'copied', leaveQuarantined, strip, ceiling, ramp, keep, code } = options;
  return [
    ...(VERBS[id].shared && share < 100 ? [`--share ${share}`] : []),
    ...(id === 'start' && to !== 'copied' ? [`--to ${to}`] : []),
    ...(leaveQuarantined ? ['--leave-quarantined'] : []),
    ...(id === 'complete' && strip ? ['--strip'] : []),
    ...(ceiling === undefined ? [] : [`--ceiling ${ceiling}`]),
    ...(ramp === undefined ? [] : [ramp ? '--ramp' : '--no-ramp']),
    ...(keep ? [`--keep ${keep}`] : []),
    ...(code ? [`--code ${code}`] : []),
  ];
}

/** As a shell takes it for one word. */
const quoted = (word: string): string => (/^[\w:/.,@%+=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
