import { matches } from '../define/entity.ts';
import type { Migration } from '../define/migration.ts';
import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { KeyRange, Store } from '../store/store.ts';
import { loadMany } from './documents.ts';
import { quarantineKey } from './quarantine.ts';
import type { CampaignDocument } from './schemas.ts';
import { restsAt, subscriptionKey } from './subscriptionDocument.ts';
import { homeRange } from './sweep.ts';
import { targetAt } from './targets.ts';

export interface SubscriptionsReport {
  /** Records that have a subscription. */
  seen: number;
  /** Subscriptions that rest at their target. */
  arrived: number;
  /** Subscriptions on their way, or not begun. */
  onTheWay: number;
  quarantined: number;
}

/** Looks at every record that has a subscription, and where that is. The hub is not asked. */
export async function verifySubscriptions(
  store: Store,
  migration: Migration,
  campaign: CampaignDocument,
  signal?: AbortSignal,
): Promise<SubscriptionsReport> {
  const report = { seen: 0, arrived: 0, onTheWay: 0, quarantined: 0 };
  for (const [i, rule] of migration.subscriptions.entries()) {
    let range: KeyRange = homeRange(migration, migration.records.length + i, 'S');
    for (let more = true; more; ) {
      if (signal?.aborted) throw new HandoverError('wait.interrupted', 'Verification stopped; it can be resumed.');
      const page = await store.scan(range, LIMITS.pageSize);
      const entities = page.entities.filter(({ key }) => matches(rule.of, key));
      const keys = entities.map(({ key }) => subscriptionKey(key.toString()));
      const documents = await loadMany(store, 'subscription', keys);
      const listed = await loadMany(
        store,
        'quarantine',
        entities.map(({ key }) => quarantineKey(campaign.id, undefined, key)),
      );
      for (const [n, { key, content }] of entities.entries()) {
        const state = documents[n]?.value.campaign === campaign.id ? documents[n].value.state : undefined;
        if (!listed[n] && !state && !rule.termsOf(key, content)) continue;
        report.seen++;
        if (listed[n]) report.quarantined++;
        else if (state && restsAt(state, targetAt(campaign.targets, key))) report.arrived++;
        else report.onTheWay++;
      }
      more = page.more;
      const last = page.entities[page.entities.length - 1];
      if (last) range = { ...range, after: last.key };
    }
  }
  return report;
}
