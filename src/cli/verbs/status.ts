import { status } from '../../admin/inspect.ts';
import { statusText } from '../statusText.ts';
import type { Verb } from '../verb.ts';
import { wholeNumber } from '../verb.ts';

export const statusVerb: Verb<{ history?: number }> = {
  usage: 'status [migration]',
  summary: 'show campaigns: where they stand, what their records are, what to do next',
  configure: (command) => command.option('--history <entries>', 'commands to show', wholeNumber('--history', 0)),
  async run(session, [name], { history }) {
    const found = await status(session, name);
    return { data: found, text: statusText(found, history) };
  },
};
