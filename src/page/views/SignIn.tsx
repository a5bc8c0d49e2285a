import { useEffect, useRef, useState } from 'preact/hooks';
import { keepToken } from '../api.ts';

/** The token is typed once; it stays in this tab and goes when the tab is closed. */
export function SignIn({ why, onDone }: { why?: string; onDone: () => Promise<void> }) {
  const [value, setValue] = useState('');
  const [isNone, setNone] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const submit = async (event: Event) => {
    event.preventDefault();
    // What no header can carry, no server can be asked about.
    const canBeSent = /^[\x21-\x7e]+$/.test(value.trim());
    setNone(!canBeSent);
    if (!canBeSent) return;
    keepToken(value.trim());
    await onDone();
  };
  return (
    <main class="signin">
      <h1>handover</h1>
      <form onSubmit={submit}>
        <label for="token">Access token</label>
        <input
          id="token"
          ref={field}
          type="password"
          autocomplete="off"
          spellcheck={false}
          required
          value={value}
          aria-describedby="token-note"
          onInput={(event) => setValue(event.currentTarget.value)}
        />
        <p id="token-note" class="faint">
          It is kept in this tab only, until the tab is closed. <code>handover token</code> makes one.
        </p>
        {(isNone || why !== undefined) && (
          <p class="note bad" role="alert">
            {isNone ? 'That is no token: a token has no blanks, and letters and signs of ASCII only.' : why}
          </p>
        )}
        <button type="submit" class="primary">
          Sign in
        </button>
      </form>
    </main>
  );
}
