import type { Options } from './options.ts';
import type { Me } from './types.ts';
import type { VerbId } from './verbs.ts';

/** What is for operators, beside the commands. */
export type Work = 'plan' | 'verify' | 'deliveries';

const RANK: Readonly<Record<Me['role'], number>> = { viewer: 0, operator: 1, admin: 2 };

/** Why somebody may not give a command; undefined: he may. The server decides in the end. */
export function denied(me: Me | undefined, verb: VerbId | Work, { to }: Options = {}): string | undefined {
  const isEnd = verb === 'complete' || verb === 'cancel' || (verb === 'start' && to === 'completed');
  return below(me, isEnd ? 'admin' : 'operator');
}

function below(me: Me | undefined, needed: 'operator' | 'admin'): string | undefined {
  if (!me || RANK[me.role] >= RANK[needed]) return undefined;
  return `${needed === 'admin' ? 'For admins' : 'For operators and above'}: you are ${me.role}.`;
}
