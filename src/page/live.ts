import { LIMITS } from '../limits.ts';
import { paths, Refused, request } from './api.ts';
import { sleep, watchdog } from './clock.ts';
import { eventsOf } from './events.ts';
import type { CampaignStatus, Status } from './types.ts';

/**
 * `live`: what is shown is what the server said last. `lost`: it may be older; another attempt is made by itself. `stale`:
 * the server is there, and its store is not.
 */
export type Liveness = 'opening' | 'live' | 'lost' | 'stale' | 'none';

export interface Listener {
  campaign(status: CampaignStatus): void;
  campaigns(status: Status): void;
  liveness(now: Liveness): void;
  refused(error: Refused): void;
}

/**
 * Reads the server's events until the signal aborts, and begins again where the stream broke off. A browser's EventSource
 * cannot show a token, so the stream is read as any answer is.
 */
export async function listen(listener: Listener, signal: AbortSignal): Promise<void> {
  let lastId: string | undefined;
  let pause: number = LIMITS.eventRetryMs;
  while (!signal.aborted) {
    // A server that hangs closes nothing: only its silence tells.
    const silent = new AbortController();
    const watch = watchdog(LIMITS.pageSilenceMs, () => silent.abort());
    try {
      const headers = { accept: 'text/event-stream', ...(lastId === undefined ? {} : { 'last-event-id': lastId }) };
      const response = await request(paths.events, { headers, signal: AbortSignal.any([signal, silent.signal]) });
      watch.putOff();
      listener.liveness('live');
      pause = LIMITS.eventRetryMs;
      for await (const { id, event, data } of eventsOf(response.body!, watch.putOff)) {
        if (id !== undefined) lastId = id;
        if (event === 'campaign') listener.campaign(JSON.parse(data));
        if (event === 'campaigns') listener.campaigns(JSON.parse(data));
        if (event === 'stale') listener.liveness('stale');
        if (event === 'fresh') listener.liveness('live');
      }
      // The server ends a stream now and then, so that whoever goes on shows again what lets in.
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Refused && error.problem.status === 404) return listener.liveness('none');
      if (error instanceof Refused && error.problem.status === 401) return listener.refused(error);
      listener.liveness(error instanceof Refused && isOfStore(error.problem.code) ? 'stale' : 'lost');
    } finally {
      watch.stop();
    }
    await sleep(pause, signal);
    pause = Math.min(2 * pause, LIMITS.pageRetryMs);
  }
}

const isOfStore = (code: string): boolean => code.startsWith('store.') || code === 'request.slow';
