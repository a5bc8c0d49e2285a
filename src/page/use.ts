import { useCallback, useEffect, useState } from 'preact/hooks';
import { ask, Refused } from './api.ts';

/** What a path answers, asked once, and again when `again` is called or `version` is another: until then the last stays. */
export function useAnswer<T>(path: string, version?: string) {
  const [answer, setAnswer] = useState<{ readonly path: string; readonly body: T }>();
  const [trouble, setTrouble] = useState<string>();
  const again = useCallback(async () => {
    try {
      const { body } = await ask<T>(path);
      setAnswer({ path, body });
      setTrouble(undefined);
    } catch (error) {
      setTrouble(sayOf(error));
    }
  }, [path]);
  useEffect(() => {
    void again();
  }, [again, version]);
  return { body: answer?.path === path ? answer.body : undefined, trouble, again };
}

/** What went wrong, in the server's own words. */
export function sayOf(error: unknown): string {
  if (!(error instanceof Refused)) return 'The server does not answer.';
  const { detail, code, wayOut, status } = error.problem;
  return [detail ?? `The server answered ${status}.`, wayOut, `(${code})`].filter(Boolean).join(' ');
}
