import type { AuditPage } from '../admin/audit.ts';
import type { DeliveriesPage, DeliveryRow } from '../admin/deliveries.ts';
import type { CampaignStatus, GroupView, RecordRow, RecordView, SideView, Status } from '../admin/inspect.ts';
import type { SubscriptionView } from '../admin/showSubscription.ts';
import type { Chart } from '../engine/charts.ts';
import type { PlanReport } from '../engine/planReport.ts';
import type { VerifyReport } from '../engine/verify.ts';

/** What the API answers, by the types of those who make it. */
export type {
  AuditPage,
  CampaignStatus,
  Chart,
  DeliveriesPage,
  DeliveryRow,
  GroupView,
  PlanReport,
  RecordRow,
  RecordView,
  SideView,
  Status,
  SubscriptionView,
  VerifyReport,
};

export type Entry = AuditPage['commands'][number];
export type Charts = Readonly<Record<string, Chart>>;

export interface RecordsPage {
  readonly records: readonly RecordRow[];
  readonly next?: string;
}

export interface Job {
  readonly id: string;
  readonly state: 'running' | 'done' | 'failed';
  readonly seen: number;
  readonly expected?: number;
  readonly result?: unknown;
  readonly problem?: Problem;
}

/** Problem details, RFC 9457. */
export interface Problem {
  readonly status: number;
  readonly code: string;
  readonly detail?: string;
  readonly wayOut?: string;
}
