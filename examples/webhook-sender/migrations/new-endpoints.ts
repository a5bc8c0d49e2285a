import { defineMigration, entity, key, subscription } from 'handover';
import { sender } from 'handover/webhooks';

/**
 * Two things at once: a subscriber's record moves below its account, and its endpoint, which is a record of its own and
 * stays where it is, from an old URL to a new one, each with a secret of its own.
 */
export interface Subscriber {
  readonly account: string;
  /** Events that were addressed to it. */
  readonly events: number;
}

export interface Endpoint {
  readonly old: string;
  readonly new: string;
  readonly oldSecret: string;
  readonly newSecret: string;
}

const subscribers = entity<Subscriber>({
  from: 'Subscriber',
  into: 'Account/Subscriber',
  to: ({ account }, old) => key('Account', account, 'Subscriber', old.id),
});

const endpoints = subscription<Endpoint>({
  of: 'Endpoint',
  // The subscribers of this example live on this machine.
  hub: sender({ allow: ['127.0.0.1'] }),
  protocol: 'standardwebhooks',
  terms: (endpoint) => ({ topic: 'https://app.example/events', ...endpoint }),
});

export default defineMigration({
  name: 'new-endpoints',
  version: 1,
  records: [subscribers],
  subscriptions: [endpoints],
});
