import { useEffect, useRef, useState } from 'preact/hooks';
import { Refused, Unanswered } from './api.ts';
import { type Ask, useApp } from './app.ts';
import { Attempt, look, Overtaken, type Seen } from './command.ts';
import { moment } from './format.ts';
import { type Options, paceChanges } from './options.ts';
import { sure, VERBS } from './verbs.ts';

/** What has to be typed to say that one means it. */
export const typedName = ({ verb, campaign, migration }: Ask, options: Options): string | undefined =>
  VERBS[verb].typed?.(options) ? (verb === 'start' ? migration : campaign) : undefined;

/** What a dialog knows: how the campaign was when it opened, what was chosen, and what came of it. */
export function useCommand(ask: Ask, onClose: () => void) {
  const { verb, migration, campaign, onDone } = ask;
  const app = useApp();
  const [chosen, setChosen] = useState({ options: ask.options, isValid: true });
  const [reason, setReason] = useState('');
  const [typedId, setTypedId] = useState('');
  const [seen, setSeen] = useState<Seen>();
  const [trouble, setTrouble] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const attempt = useRef(new Attempt());

  useEffect(() => {
    // What the dialog shows is what goes out in If-Match: looked at as it opens, and not brought up to date behind it.
    if (campaign !== undefined) look(campaign).then(setSeen, (error) => setTrouble(said(error)));
  }, [campaign]);

  const options = verb === 'pace' && seen ? paceChanges(chosen.options, seen.status.paceSettings) : chosen.options;
  const close = () => {
    if (attempt.current.done.length > 0) onDone?.(attempt.current.done);
    onClose();
  };

  const submit = async (event: Event) => {
    event.preventDefault();
    if (reason.trim() === '') return setTrouble('Say why: blanks are no reason.');
    setBusy(true);
    setTrouble(undefined);
    try {
      const typed = typedName(ask, options) === undefined ? {} : { confirm: typedId };
      const now = await attempt.current.send(verb, migration, seen, options, { reason: reason.trim(), ...typed });
      app.update(now.status);
      app.announce(`Done: ${sure(verb, now.status, ask.options)}.`);
      if (attempt.current.done.length === 0) onDone?.([]);
      close();
    } catch (error) {
      setTrouble(await told(error));
      setBusy(false);
    }
  };

  /** Says what went wrong and how much was done before that, and stands on the campaign as it is now. */
  async function told(error: unknown): Promise<string> {
    const { done, last } = attempt.current;
    const isOvertaken = error instanceof Overtaken || isChanged(error);
    const now = campaign === undefined ? undefined : isOvertaken ? await look(campaign).catch(() => last) : last;
    const others = seen && now ? attempt.current.others(seen, now) : [];
    if (now) {
      setSeen(now);
      app.update(now.status);
    }
    const all = ask.options.keys;
    if (all) setChosen({ ...chosen, options: { ...options, keys: all.filter((key) => !done.includes(key)) } });
    const sum = all && (done.length > 0 || all.length > 1) ? `${done.length} of ${all.length} done.` : undefined;
    const what = isOvertaken && now ? overtaken(others, now) : said(error);
    return [isOvertaken ? (sum ?? 'Nothing of yours was done.') : done.length > 0 ? sum : undefined, what]
      .filter(Boolean)
      .join(' ');
  }

  return {
    ...chosen,
    options,
    setChosen,
    reason,
    setReason,
    typedId,
    setTypedId,
    seen,
    trouble,
    isBusy,
    submit,
    close,
    hasDone: attempt.current.done.length > 0,
  };
}

const isChanged = (error: unknown): boolean => error instanceof Refused && error.problem.status === 412;

function overtaken(others: Seen['status']['history'], { status }: Seen): string {
  const what = others.map(({ what, by, at, reason }) => {
    return `${what} by ${by} at ${moment(at)}${reason === undefined ? '' : ` (${reason})`}`;
  });
  return `Somebody else has changed it meanwhile: ${what.join('; ') || 'see the audit trail'}. The campaign is ${status.stage} now: press again if you still mean it.`;
}

function said(error: unknown): string {
  if (error instanceof Refused) {
    const { code, detail, wayOut, status } = error.problem;
    const begin = status === 403 ? 'You may not do this. ' : '';
    return `${begin}${detail ?? code}${wayOut === undefined ? '' : ` ${wayOut}`} (${code})`;
  }
  if (error instanceof Unanswered) {
    return 'No answer came, so it is not known whether it was done. Press again: it is not done twice.';
  }
  return String(error);
}
