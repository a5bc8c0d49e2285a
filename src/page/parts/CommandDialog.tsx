import { useEffect, useRef, useState } from 'preact/hooks';
import { Refused, Unanswered } from '../api.ts';
import { type Ask, useApp } from '../app.ts';
import { Attempt, look, type Seen, since } from '../command.ts';
import { moment } from '../format.ts';
import { commandLine, type Options, sure, VERBS } from '../verbs.ts';
import { OptionFields } from './OptionFields.tsx';

/** Says what a command will do and what of it can be undone, and asks for a reason, before it is given. */
export function CommandDialog({ ask, onClose }: { ask: Ask; onClose: () => void }) {
  const { verb, migration, campaign } = ask;
  const { label, does, undo, isFinal } = VERBS[verb];
  const { options, setOptions, reason, setReason, typedId, setTypedId, seen, trouble, isBusy, submit } = useCommand(
    ask,
    onClose,
  );
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const status = seen?.status;
  const name = campaign ?? migration;
  const left = status ? status.quarantined.count - status.quarantined.skipped : 0;
  const wanted = typedName(ask, options);
  const isHeld = verb === 'complete' && left > 0 && !options.leaveQuarantined;
  return (
    <dialog ref={dialog} aria-labelledby="command-title" onClose={onClose}>
      <form onSubmit={submit}>
        <h2 id="command-title">
          {label} {name}
        </h2>
        <h3>What it does</h3>
        {does(status, options).map((sentence) => (
          <p key={sentence}>{sentence}</p>
        ))}
        <h3>What can be undone</h3>
        <p class={isFinal || options.to === 'completed' ? 'note bad' : 'note good'}>{undo(options)}</p>
        <OptionFields verb={verb} options={options} onChange={setOptions} {...(status ? { status } : {})} />
        <label for="reason">Why, for the audit trail</label>
        <textarea
          id="reason"
          rows={2}
          required
          value={reason}
          onInput={(event) => setReason(event.currentTarget.value)}
        />
        {wanted !== undefined && (
          <>
            <label for="typed">
              Type <code>{wanted}</code> to say that you mean it
            </label>
            <input
              id="typed"
              autocomplete="off"
              spellcheck={false}
              required
              value={typedId}
              onInput={(event) => setTypedId(event.currentTarget.value)}
            />
          </>
        )}
        <div role="alert">{trouble && <div class="note bad">{trouble}</div>}</div>
        <p class="faint">
          The same on a command line: <code>{commandLine(verb, migration, options)}</code>
        </p>
        <div class="row end">
          <button type="button" onClick={() => dialog.current?.close()}>
            Do nothing
          </button>
          <button
            type="submit"
            class={isFinal ? 'grave' : 'primary'}
            disabled={
              isBusy || isHeld || (wanted !== undefined && typedId !== wanted) || (campaign !== undefined && !seen)
            }
          >
            {sure(verb, status, options)}
          </button>
        </div>
      </form>
    </dialog>
  );
}

/** What has to be typed to say that one means it. */
const typedName = ({ verb, campaign, migration }: Ask, options: Options): string | undefined =>
  VERBS[verb].typed?.(options) ? (verb === 'start' ? migration : campaign) : undefined;

function useCommand(ask: Ask, onClose: () => void) {
  const { verb, migration, campaign, onDone } = ask;
  const app = useApp();
  const [options, setOptions] = useState<Options>(ask.options);
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

  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setTrouble(undefined);
    try {
      const typed = typedName(ask, options) === undefined ? {} : { confirm: typedId };
      const now = await attempt.current.send(verb, migration, seen, options, { reason: reason.trim(), ...typed });
      app.update(now.status);
      app.announce(`Done: ${sure(verb, now.status, options)}.`);
      onDone?.();
      onClose();
    } catch (error) {
      const now = campaign === undefined ? undefined : await look(campaign).catch(() => undefined);
      setTrouble(isChanged(error) && now && seen ? overtaken(seen, now) : said(error));
      if (now && isChanged(error)) {
        setSeen(now);
        app.update(now.status);
      }
      setBusy(false);
    }
  };
  return { options, setOptions, reason, setReason, typedId, setTypedId, seen, trouble, isBusy, submit };
}

const isChanged = (error: unknown): boolean => error instanceof Refused && error.problem.status === 412;

function overtaken(before: Seen, after: Seen): string {
  const others = since(before.status, after.status).map(({ what, by, at, reason }) => {
    return `${what} by ${by} at ${moment(at)}${reason === undefined ? '' : ` (${reason})`}`;
  });
  return `Somebody else has changed it meanwhile: ${others.join('; ') || 'see the audit trail'}. Nothing of yours was done. The campaign is ${after.status.stage} now: press again if you still mean it.`;
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
