import type { Logger } from 'pino';
import type { NotifyDefinition } from '../../define/server.ts';
import { list } from '../../engine/documents.ts';
import { countQuarantined, isSkipped } from '../../engine/quarantine.ts';
import type { CampaignDocument } from '../../engine/schemas.ts';
import { messageOf } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';
import type { Services } from '../operations/operation.ts';
import { type Happening, happeningsOf, type Looked } from './happenings.ts';
import { Notices } from './notices.ts';

export interface NotifyOptions {
  readonly services: Pick<Services, 'store' | 'migrations' | 'clock'>;
  readonly endpoints: readonly NotifyDefinition[];
  readonly log: Pick<Logger, 'info' | 'warn'>;
}

/**
 * Tells people what they have to know, until the signal aborts: by the log, and by signed webhooks where some are
 * configured. Any number of servers do this side by side. It never throws.
 */
export async function notify(options: NotifyOptions, signal: AbortSignal): Promise<void> {
  const { services, endpoints, log } = options;
  const { store, clock } = services;
  const onDead = ({ id, error }: { id: string; error: string }) =>
    log.warn({ event: 'notification.abandoned', id, error });
  const onGone = (host: string) => log.warn({ event: 'endpoint.disabled', host });
  const notices = endpoints.length > 0 ? new Notices({ store, clock, endpoints, onDead, onGone }) : undefined;
  const failed = (error: unknown) => log.warn({ event: 'notification.faltered', detail: messageOf(error) });
  const posting = notices?.work(signal).catch(failed);
  // Only who writes down what was told knows what was told by others, or before.
  const since = clock.now() - (notices ? LIMITS.noticeLateMs : 0);
  let told: ReadonlySet<string> = new Set();
  /** Campaigns that were over their budget at the last look: it is no news before they were below it. */
  let over: ReadonlySet<unknown> = new Set();
  while (!signal.aborted) {
    try {
      const found = (await lookAt(services)).filter(({ at }) => at >= since);
      for (const happening of found) {
        if (told.has(happening.id)) continue;
        const isOver = happening.type === 'quarantine.exceeded' && over.has(happening.data['campaign']);
        if (!isOver && ((await notices?.put(happening)) ?? true)) tell(log, happening);
        told = new Set([...told, happening.id]);
      }
      told = new Set(found.map(({ id }) => id));
      over = new Set(found.filter(({ type }) => type === 'quarantine.exceeded').map(({ data }) => data['campaign']));
    } catch (error) {
      failed(error);
    }
    await clock.sleep(LIMITS.noticeLookMs, signal);
  }
  await posting;
}

function tell(log: NotifyOptions['log'], { type, data }: Happening): void {
  if (type === 'gate.opened') log.info({ event: type, ...data });
  else log.warn({ event: type, ...data });
}

async function lookAt(services: NotifyOptions['services']): Promise<Happening[]> {
  const found: Happening[] = [];
  for await (const { value } of list(services.store, 'campaign')) {
    found.push(
      ...happeningsOf({ campaign: value, quarantine: await quarantineOf(services, value), now: services.clock.now() }),
    );
  }
  return found;
}

async function quarantineOf(
  { store, migrations }: NotifyOptions['services'],
  campaign: CampaignDocument,
): Promise<Looked['quarantine']> {
  const { id, migration, closed, quarantines } = campaign;
  const budget = migrations.find(({ name }) => name === migration)?.errorBudget;
  if (budget === undefined || closed || !quarantines) return undefined;
  return { budget, count: await countQuarantined(store, id, budget + 1, (entry) => !isSkipped(campaign, entry)) };
}
