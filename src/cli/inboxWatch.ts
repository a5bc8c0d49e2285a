import type { Logger } from 'pino';
import { list } from '../engine/documents.ts';
import { HandoverError, messageOf } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Inbox } from '../webhooks/inbox.ts';
import type { Session } from './verb.ts';

/**
 * What a worker does for the inbox beside its campaigns, until the signal aborts: sweeps it when that is due, and logs
 * forged deliveries that receivers have counted. Nothing that goes wrong here stops the worker.
 */
export async function watchInbox(
  session: Pick<Session, 'store' | 'clock'>,
  inbox: Inbox,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  const swept = (told: number | Error) => {
    if (typeof told === 'number') log.info({ event: 'inbox.swept', forgotten: told });
    else failed(log, told);
  };
  await Promise.all([inbox.keepSwept(signal, swept), watchForged(session, log, signal)]);
}

/** What was counted before this worker came was told by another, or is told by `status`. */
async function watchForged(
  { store, clock }: Pick<Session, 'store' | 'clock'>,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  let known: ReadonlyMap<string, number> | undefined;
  while (!signal.aborted) {
    try {
      const counts = new Map<string, number>();
      for await (const { value } of list(store, 'suspicion')) {
        for (const side of ['old', 'new'] as const) {
          const forged = value[side];
          if (!forged) continue;
          const name = `${side} ${value.subscription}`;
          counts.set(name, forged.count);
          const count = forged.count - (known?.get(name) ?? 0);
          if (!known || count <= 0) continue;
          log.warn({ event: 'signature.rejected', subscription: value.subscription, side, count, why: forged.why });
        }
      }
      known = counts;
    } catch (error) {
      failed(log, error);
    }
    await clock.sleep(LIMITS.inboxWatchMs, signal);
  }
}

function failed(log: Logger, error: unknown): void {
  const facts =
    error instanceof HandoverError ? { code: error.code, detail: error.detail } : { detail: messageOf(error) };
  log.warn({ event: 'inbox.faltered', ...facts });
}
