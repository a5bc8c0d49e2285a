import { type Store, toPlain } from 'handover';
import { type Application, addressOf } from './application.ts';
import { type Subscriber, troubleOf } from './subscribers.ts';

/** The last line of `--json`. */
export interface Proof {
  readonly subscribers: number;
  readonly events: number;
  /** Events times those whom each was addressed to. */
  readonly addressed: number;
  /** Of these, the ones that took effect, once each. */
  readonly effects: number;
  /** Deliveries that came in again and were dropped by their id. */
  readonly doubles: number;
  readonly invented: number;
  readonly forgeries: number;
  /** Subscribers that got something at their new endpoint. */
  readonly switched: number;
  /** Those that refuse the challenge; of these, the ones that got nothing at the new endpoint. */
  readonly refusing: number;
  readonly stayed: number;
  /** Those that the engine lists as quarantined. */
  readonly quarantined: number;
  /** Subscribers' records below their account, with the right count of events, and nowhere else. */
  readonly records: number;
  readonly holds: boolean;
}

/** Counts what the subscribers have, and reads every record; of the engine, only the list of the quarantined is asked. */
export async function prove(
  store: Store,
  application: Application,
  subscribers: ReadonlyMap<number, Subscriber>,
  quarantined: readonly string[],
): Promise<Proof> {
  let [addressed, effects, doubles, invented, forgeries, switched, stayed, records] = [0, 0, 0, 0, 0, 0, 0, 0];
  const refusing = [...subscribers.keys()].filter((n) => troubleOf(n) === 'refuses');
  for (const [n, subscriber] of subscribers) {
    const put = application.put.get(n) ?? new Set<string>();
    addressed += put.size;
    effects += [...put].filter((id) => subscriber.effects.has(id)).length;
    invented += [...subscriber.effects].filter((id) => !put.has(id)).length;
    doubles += subscriber.doubles;
    forgeries += subscriber.forgeries;
    if (subscriber.atNew > 0) switched++;
    else if (refusing.includes(n)) stayed++;
    const { from, into } = addressOf(n);
    const [left, moved] = await store.read([from, into]);
    if (!left && moved && toPlain(moved.content.properties)['events'] === put.size) records++;
  }
  const all = subscribers.size;
  const listed = refusing.filter((n) => quarantined.includes(`Endpoint:${n}`)).length;
  const holds =
    addressed > 0 &&
    effects === addressed &&
    invented + forgeries === 0 &&
    switched === all - refusing.length &&
    stayed === refusing.length &&
    listed === refusing.length &&
    quarantined.length === refusing.length &&
    records === all;
  return {
    subscribers: all,
    events: application.events,
    addressed,
    effects,
    doubles,
    invented,
    forgeries,
    switched,
    refusing: refusing.length,
    stayed,
    quarantined: quarantined.length,
    records,
    holds,
  };
}
