import { useEffect, useRef, useState } from 'preact/hooks';
import { keepToken, token } from '../api.ts';

/** The token is typed once; it stays in this tab and goes when the tab is closed. */
export function SignIn({ refused, onDone }: { refused?: string; onDone: () => Promise<void> }) {
  const [value, setValue] = useState('');
  const [hasTried, setTried] = useState(token() !== undefined);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const submit = async (event: Event) => {
    event.preventDefault();
    keepToken(value.trim());
    setTried(true);
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
        {hasTried && refused !== undefined && (
          <p class="note bad" role="alert">
            {refused}
          </p>
        )}
        <button type="submit" class="primary">
          Sign in
        </button>
      </form>
    </main>
  );
}
