import { useEffect, useState } from 'preact/hooks';
import { LIMITS } from '../limits.ts';
import { ask } from './api.ts';
import { sleep } from './clock.ts';
import type { Job } from './types.ts';
import { sayOf } from './use.ts';

/** A job says nothing by itself: whoever began it asks how far it is, until it has ended or he goes away. */
export function useJob<T>(path: string, onDone: (result: T) => void) {
  const [job, setJob] = useState<Job>();
  const [trouble, setTrouble] = useState<string>();
  const [gone] = useState(() => new AbortController());
  useEffect(() => () => gone.abort(), [gone]);
  const begin = async (input: object) => {
    setTrouble(undefined);
    try {
      let { body, location } = await ask<Job>(path, { body: input });
      for (const at = location!; body.state === 'running' && !gone.signal.aborted; ) {
        setJob(body);
        await sleep(LIMITS.pageJobMs, gone.signal);
        ({ body } = await ask<Job>(at));
      }
      if (body.problem) setTrouble(`${body.problem.detail ?? ''} (${body.problem.code})`);
      if (body.state === 'done') onDone(body.result as T);
    } catch (error) {
      setTrouble(sayOf(error));
    }
    setJob(undefined);
  };
  return { job, trouble, begin };
}
