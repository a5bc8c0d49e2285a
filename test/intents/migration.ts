import type { Clock } from '../../src/clock.ts';
import { defineMigration, type Migration } from '../../src/define/migration.ts';
import { type SubscriptionTerms, subscription } from '../../src/define/subscription.ts';
import { type Hub, restProvider, websub } from '../../src/webhooks/index.ts';
import type { HubManner } from './points.ts';

const LOOPBACK = { allow: ['127.0.0.1'], plainHttp: true };

export function hubOf(manner: HubManner, clock: Clock): Hub {
  if (manner !== 'asks no callback') return websub({ ...LOOPBACK, clock, verify: ['async'] });
  return restProvider({
    ...LOOPBACK,
    clock,
    name: 'provider',
    repeat: 'key',
    create: { method: 'POST', url: '{topic}/webhooks', json: { url: '{callback}', secret: '{secret}' } },
    reference: 'id',
    delete: { method: 'DELETE', url: '{hub}/webhooks/{reference}' },
    list: {
      request: ({ topic }) => ({ method: 'GET', url: `${topic}/webhooks` }),
      read: { items: 'data', reference: 'id', callback: 'url' },
    },
  });
}

/** The same in every process, and a record says all of its subscription. */
export function migrationOf(hub: Hub, manner: HubManner): Migration {
  const protocol = manner === 'asks no callback' ? 'standardwebhooks' : 'feed';
  const rule = subscription<SubscriptionTerms>({ of: 'Blog', hub, protocol, terms: (record) => record });
  return defineMigration({ name: 'callbacks', version: 1, subscriptions: [rule] });
}
