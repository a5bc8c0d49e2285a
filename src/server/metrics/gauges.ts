import { Gauge, type Registry } from 'prom-client';
import type { CampaignStatus, PaceStatus, Status } from '../../admin/inspect.ts';
import type { Migration } from '../../define/migration.ts';

const LIMITED_BY: readonly PaceStatus['limit'][] = [
  'paused',
  'nobody works',
  'exhausted',
  'contention',
  'ceiling',
  'ramp',
  'store',
];

const NO_INBOX: NonNullable<Status['inbox']> = { waiting: 0, running: 0, failing: 0, dead: 0, forged: [] };

export interface Seen {
  readonly status: Status;
  readonly migrations: readonly Migration[];
  readonly now: number;
  /** When the oldest intent that is not settled was begun, where there is one. */
  readonly oldestIntentAt: number | undefined;
}

/** What the store says: the same in every process that is asked, and the same numbers as `status`. */
export class Gauges {
  readonly #all: Gauge[] = [];
  readonly #state = this.#gauge('campaign_state', '1 for the stage and run a campaign is in', [
    'campaign',
    'stage',
    'run',
  ]);
  readonly #settled = this.#gauge('campaign_settled', '1 when every record rests at its target', ['campaign']);
  readonly #gate = this.#gauge('switch_gate_open', '1 when records may be switched', ['campaign']);
  readonly #records = this.#gauge('records', 'Records by state, as counted by the sweep', ['campaign', 'state']);
  readonly #groups = this.#gauge('groups', 'Groups by state', ['campaign', 'state']);
  readonly #subscriptions = this.#gauge('subscriptions', 'Subscriptions by state', ['campaign', 'state']);
  readonly #share = this.#gauge('sweep_share', 'How much of the sweep under way is done, 0 to 1', ['campaign']);
  readonly #seen = this.#gauge('sweep_seen_records', 'Records that the sweep under way has seen', ['campaign']);
  readonly #workers = this.#gauge('workers', 'Workers that hold a part of the sweep', ['campaign']);
  readonly #made = this.#gauge('pace_operations_per_second', 'What all workers make together', ['campaign']);
  readonly #allowed = this.#gauge('pace_allowed_operations_per_second', 'What is allowed; +Inf: any', ['campaign']);
  readonly #limit = this.#gauge('pace_limit', '1 for what limits the pace now', ['campaign', 'limit']);
  readonly #quarantined = this.#gauge('quarantined_records', 'Records that could not be moved', ['campaign', 'code']);
  readonly #budget = this.#gauge('quarantine_budget_records', 'Over it the campaign pauses itself', ['campaign']);
  readonly #mismatches = this.#gauge('shadow_read_mismatches', 'Copies that shadow reads found to differ', [
    'campaign',
  ]);
  readonly #invariants = this.#gauge('invariants', 'Totals that must hold, as they were taken last', [
    'campaign',
    'state',
  ]);
  readonly #inbox = this.#gauge('inbox_deliveries', 'Deliveries that are not applied', ['state']);
  readonly #inboxAge = this.#gauge('inbox_oldest_age_seconds', 'Of the oldest that is neither applied nor dead');
  readonly #forged = this.#gauge('signatures_refused', 'Deliveries nobody with a secret signed, of the newest URLs');
  readonly #intentAge = this.#gauge('intent_oldest_age_seconds', 'Of the oldest intent that is not settled');

  constructor(registry: Registry) {
    for (const each of this.#all) registry.registerMetric(each);
  }

  /** Replaces what was said before: what is no more is not told any longer. */
  set({ status, migrations, now, oldestIntentAt }: Seen): void {
    this.clear();
    for (const campaign of status.campaigns) this.#campaign(campaign, migrations);
    const { oldestAt, forged = [], ...counts } = status.inbox ?? NO_INBOX;
    for (const state of ['waiting', 'running', 'failing', 'dead'] as const) this.#inbox.set({ state }, counts[state]);
    this.#inboxAge.set(ageOf(oldestAt, now));
    this.#forged.set(forged.reduce((sum, { count }) => sum + count, 0));
    this.#intentAge.set(ageOf(oldestIntentAt, now));
  }

  clear(): void {
    for (const gauge of this.#all) gauge.reset();
  }

  #campaign(status: CampaignStatus, migrations: readonly Migration[]): void {
    const { campaign, stage, run, sweep, pace, quarantined, closed } = status;
    this.#state.set({ campaign, stage, run }, 1);
    this.#settled.set({ campaign }, Number(status.settled));
    this.#gate.set({ campaign }, Number(status.switchGateOpen));
    for (const [state, n] of Object.entries(status.states)) this.#records.set({ campaign, state }, n);
    for (const [state, n] of Object.entries(status.groups ?? {})) this.#groups.set({ campaign, state }, n);
    for (const [state, n] of Object.entries(status.subscriptions ?? {}))
      this.#subscriptions.set({ campaign, state }, n);
    for (const [code, n] of Object.entries(quarantined.byCode)) this.#quarantined.set({ campaign, code }, n);
    for (const state of ['held', 'broken', 'unsettled'] as const) {
      const n = status.invariants?.results.filter((one) => one.state === state).length;
      if (n !== undefined) this.#invariants.set({ campaign, state }, n);
    }
    if (closed) return;
    const migration = migrations.find(({ name }) => name === status.migration);
    if (migration) this.#budget.set({ campaign }, migration.errorBudget);
    this.#mismatches.set({ campaign }, status.mismatches?.count ?? 0);
    this.#share.set({ campaign }, sweep.share);
    this.#seen.set({ campaign }, sweep.seen);
    this.#workers.set({ campaign }, pace?.workers ?? 0);
    this.#made.set({ campaign }, pace?.perSecond ?? 0);
    if (!pace) return;
    this.#allowed.set({ campaign }, pace.allowedPerSecond ?? Number.POSITIVE_INFINITY);
    for (const limit of LIMITED_BY) this.#limit.set({ campaign, limit }, Number(limit === pace.limit));
  }

  #gauge(name: string, help: string, labelNames: readonly string[] = []): Gauge {
    const gauge = new Gauge({ name: `handover_${name}`, help, labelNames, registers: [] });
    this.#all.push(gauge);
    return gauge;
  }
}

const ageOf = (at: number | undefined, now: number): number => (at === undefined ? 0 : Math.max(0, (now - at) / 1000));
