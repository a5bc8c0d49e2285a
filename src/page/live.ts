import { LIMITS } from '../limits.ts';
import { paths, Refused, request } from './api.ts';
import { sleep } from './clock.ts';
import { eventsOf } from './events.ts';
import type { CampaignStatus, Status } from './types.ts';

/** `live`: what is shown is what the server said last. `lost`: it may be older; another attempt is made by itself. */
export type Liveness = 'opening' | 'live' | 'lost' | 'none';

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
    try {
      const headers = { accept: 'text/event-stream', ...(lastId === undefined ? {} : { 'last-event-id': lastId }) };
      const response = await request(paths.events, { headers, signal });
      listener.liveness('live');
      pause = LIMITS.eventRetryMs;
      for await (const { id, event, data } of eventsOf(response.body!)) {
        if (id !== undefined) lastId = id;
        if (event === 'campaign') listener.campaign(JSON.parse(data));
        if (event === 'campaigns') listener.campaigns(JSON.parse(data));
      }
      // The server ends a stream now and then, so that whoever goes on shows again what lets in.
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Refused && error.problem.status === 404) return listener.liveness('none');
      if (error instanceof Refused && error.problem.status === 401) return listener.refused(error);
      listener.liveness('lost');
    }
    await sleep(pause, signal);
    pause = Math.min(2 * pause, LIMITS.pageRetryMs);
  }
}
