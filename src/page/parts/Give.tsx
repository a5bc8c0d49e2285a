import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';
import { useApp } from '../app.ts';
import { denied, type Work } from '../roles.ts';
import type { VerbId } from '../verbs.ts';

interface Props {
  readonly verb: VerbId | Work;
  readonly class?: string;
  readonly isBusy?: boolean;
  readonly onPress: () => void;
  readonly children: ComponentChildren;
}

/** A button for those who may: to others it says whom it is for. */
export function Give({ verb, class: look = '', isBusy = false, onPress, children }: Props) {
  const why = denied(useApp().me, verb);
  const id = useId();
  return (
    <>
      <button
        type="button"
        class={look}
        disabled={isBusy}
        aria-disabled={why !== undefined}
        {...(why === undefined ? {} : { 'aria-describedby': id })}
        onClick={() => why === undefined && onPress()}
      >
        {children}
      </button>
      {why !== undefined && (
        <span id={id} class="faint">
          {why}
        </span>
      )}
    </>
  );
}
