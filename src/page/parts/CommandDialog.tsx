import { useEffect, useRef } from 'preact/hooks';
import { LIMITS } from '../../limits.ts';
import { type Ask, useApp } from '../app.ts';
import { typedName, useCommand } from '../commanding.ts';
import { commandLines } from '../commandLine.ts';
import { denied } from '../roles.ts';
import { sure, VERBS } from '../verbs.ts';
import { OptionFields } from './OptionFields.tsx';

/** Says what a command will do and what of it can be undone, and asks for a reason, before it is given. */
export function CommandDialog({ ask, onClose }: { ask: Ask; onClose: () => void }) {
  const { verb, migration, campaign } = ask;
  const { label, does, undo, isFinal } = VERBS[verb];
  const command = useCommand(ask, onClose);
  const { options, isValid, setChosen, reason, setReason, typedId, setTypedId, seen, trouble, submit, close } = command;
  const why = denied(useApp().me, verb, options);
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const status = seen?.status;
  const name = campaign ?? migration;
  const left = status ? status.quarantined.count - status.quarantined.skipped : 0;
  const wanted = typedName(ask, options);
  const isHeld = verb === 'complete' && left > 0 && !options.leaveQuarantined;
  const isNothing = verb === 'pace' && options.ceiling === undefined && options.ramp === undefined;
  const isUntyped = wanted !== undefined && typedId !== wanted;
  const isUnseen = campaign !== undefined && !seen;
  const lines = commandLines(verb, migration, options);
  return (
    <dialog ref={dialog} aria-labelledby="command-title" onClose={close}>
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
        <OptionFields
          verb={verb}
          options={options}
          isValid={isValid}
          onChange={(options, isValid) => setChosen({ options, isValid })}
          {...(status ? { status } : {})}
        />
        <label for="reason">Why, for the audit trail</label>
        <textarea
          id="reason"
          rows={2}
          required
          maxLength={LIMITS.reasonCharacters}
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
        {isValid && !isNothing && (
          <p class="faint">
            The same on a command line{lines.length > 1 && ', one for each record'}:{' '}
            {lines.map((line) => (
              <code key={line} class={lines.length > 1 ? 'line' : ''}>
                {line}
              </code>
            ))}
          </p>
        )}
        {why !== undefined && <p class="note warn">{why}</p>}
        <div class="row end">
          <button type="button" onClick={() => dialog.current?.close()}>
            {command.hasDone ? 'Do no more' : 'Do nothing'}
          </button>
          <button
            type="submit"
            class={isFinal ? 'grave' : 'primary'}
            disabled={command.isBusy || isHeld || isNothing || isUntyped || isUnseen || !isValid || why !== undefined}
          >
            {sure(verb, status, options)}
          </button>
        </div>
      </form>
    </dialog>
  );
}
