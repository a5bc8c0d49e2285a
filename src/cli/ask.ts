import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Session } from './verb.ts';

type Asking = Pick<Session, 'io' | 'json'>;

/** Nobody is asked where the answer is for a program: then nobody sits there, or should not have to. */
const askOf = ({ io, json }: Asking): Asking['io']['ask'] => (json ? undefined : io.ask);

/** Why, for the audit trail: as it was given, or as it is said on a terminal. Throws `usage.invalid` where nothing is. */
export async function reasonOf(session: Asking, given: unknown): Promise<string | undefined> {
  const ask = askOf(session);
  if (given !== undefined || !ask) return given as string | undefined;
  const said = (await ask('Why? For the audit trail: ')).trim();
  if (said !== '' && said.length <= LIMITS.reasonCharacters) return said;
  const detail = said === '' ? 'No reason was given' : `A reason has at most ${LIMITS.reasonCharacters} characters`;
  throw new HandoverError('usage.invalid', `${detail}: nothing was done.`);
}

/** What ends is typed once more: as `--confirm`, or on a terminal. Throws `request.unconfirmed`. */
export async function confirm(session: Asking, typed: string, given: string | undefined): Promise<void> {
  const said = given ?? (await askOf(session)?.(`It ends ${typed}. To go on, type its name, ${typed}: `));
  if (said === undefined || said.trim() === typed) return;
  throw new HandoverError('request.unconfirmed', `It would end ${typed}, and nothing was done.`);
}
