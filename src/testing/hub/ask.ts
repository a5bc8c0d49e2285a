import type { Mode } from './log.ts';

/** A request to subscribe or to unsubscribe, as a form brought it. */
export interface Ask {
  readonly mode: Mode;
  readonly topic: string;
  readonly callback: string;
  readonly secret: string | undefined;
  readonly leaseSeconds: number | undefined;
  /** Of version 0.3: `sync` or `async`, several in the order of preference. */
  readonly verify: readonly string[];
}

const MOST_SECRET_BYTES = 199;

/** What is asked, or why it cannot be. */
export function readAsk(form: URLSearchParams): Ask | string {
  const mode = form.get('hub.mode');
  const topic = form.get('hub.topic');
  const callback = form.get('hub.callback');
  const secret = form.get('hub.secret') ?? undefined;
  const lease = form.get('hub.lease_seconds');
  if (mode !== 'subscribe' && mode !== 'unsubscribe') return 'hub.mode is neither subscribe nor unsubscribe';
  if (!topic) return 'hub.topic is missing';
  if (!callback || !/^https?:/i.test(callback) || !URL.canParse(callback)) return 'hub.callback is no URL';
  if (lease !== null && !/^[1-9]\d*$/.test(lease)) return 'hub.lease_seconds is not a positive decimal';
  if (secret !== undefined && Buffer.byteLength(secret) > MOST_SECRET_BYTES) return 'hub.secret has 200 bytes or more';
  const leaseSeconds = lease === null ? undefined : Number(lease);
  return {
    mode,
    topic,
    callback,
    secret,
    leaseSeconds,
    verify: form.getAll('hub.verify').flatMap((each) => each.split(',')),
  };
}
