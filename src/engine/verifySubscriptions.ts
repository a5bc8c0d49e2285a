import type { Migration } from '../define/migration.ts';
import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Store } from '../store/store.ts';
import { loadMany } from './documents.ts';
import { listedOf } from './quarantine.ts';
import type { CampaignDocument } from './schemas.ts';
import { subscribedOn } from './subscribed.ts';
import { pagesOf } from './subscribers.ts';
import { restsAt, subscriptionKey } from './subscriptionDocument.ts';
import { sweptRange } from './sweep.ts';
import { targetAt } from './targets.ts';
import type { SubscriptionsReport } from './verifyReport.ts';

/** Looks at every record that has a subscription, and where that is. The hub is not asked. */
export async function verifySubscriptions(
  store: Store,
  migration: Migration,
  campaign: CampaignDocument,
  signal?: AbortSignal,
): Promise<SubscriptionsReport> {
  const report = { seen: 0, arrived: 0, onTheWay: 0, quarantined: 0 };
  for (const [i, rule] of migration.subscriptions.entries()) {
    const ruleIndex = migration.records.length + i;
    const pages = pagesOf(store, sweptRange(migration, campaign.id, ruleIndex, 'S'), () => LIMITS.pageSize);
    for await (const page of pages) {
      if (signal?.aborted) throw new HandoverError('wait.interrupted', 'Verification stopped; it can be resumed.');
      const found = await subscribedOn(page, { store, migration, campaign, rule, ruleIndex });
      const sources = found.map(({ source }) => source);
      const keys = sources.map((source) => subscriptionKey(source.toString()));
      const documents = await loadMany(store, 'subscription', keys);
      const listed = await listedOf(store, campaign.id, sources);
      for (const [n, each] of found.entries()) {
        const state = documents[n]?.value.campaign === campaign.id ? documents[n].value.state : undefined;
        if (!listed[n] && !state && !('error' in each) && !each.terms()) continue;
        report.seen++;
        const place = 'error' in each ? undefined : (each.group ?? each.source);
        if (listed[n]) report.quarantined++;
        else if (state && place && restsAt(state, targetAt(campaign.targets, place))) report.arrived++;
        else report.onTheWay++;
      }
    }
  }
  return report;
}
