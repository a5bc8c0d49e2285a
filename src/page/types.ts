import type { AuditPage } from '../admin/audit.ts';
import type { DeliveriesPage, DeliveryRow } from '../admin/deliverySchema.ts';
import type { History, HistoryRow } from '../admin/history.ts';
import type {
  CampaignStatus,
  GroupView,
  RecordRow,
  RecordsPage,
  RecordView,
  SideView,
  Status,
  SubscriptionView,
} from '../admin/inspect.ts';
import type { Chart } from '../engine/charts.ts';
import type { PlanReport } from '../engine/planReport.ts';
import type { VerifyReport } from '../engine/verifyReport.ts';

/** What the API answers, by the types of those who make it. */
export type {
  AuditPage,
  CampaignStatus,
  Chart,
  DeliveriesPage,
  DeliveryRow,
  GroupView,
  History,
  HistoryRow,
  PlanReport,
  RecordRow,
  RecordsPage,
  RecordView,
  SideView,
  Status,
  SubscriptionView,
  VerifyReport,
};

export type Entry = AuditPage['commands'][number];
export type Charts = Readonly<Record<string, Chart>>;

export interface Job {
  readonly id: string;
  readonly what: string;
  /** A migration or a campaign. */
  readonly of: string;
  readonly state: 'running' | 'done' | 'stopped' | 'failed';
  readonly seen: number;
  readonly expected?: number;
  readonly endedAt?: number;
  readonly result?: unknown;
  readonly problem?: Problem;
}

/** Who is signed in. */
export interface Me {
  readonly name: string;
  readonly role: 'viewer' | 'operator' | 'admin';
}

/** Problem details, RFC 9457. */
export interface Problem {
  readonly status: number;
  readonly code: string;
  readonly detail?: string;
  readonly wayOut?: string;
}
