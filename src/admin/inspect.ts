/** What operators look at: nothing here writes. */
export type {
  GroupView,
  RecordRow,
  RecordsPage,
  RecordView,
  SideView,
  SubscriptionView,
} from './recordSchema.ts';
export { countRecords, records } from './records.ts';
export { show } from './show.ts';
export { campaignStatus, status } from './status.ts';
export type { CampaignStatus, PaceStatus, Status } from './statusSchema.ts';
