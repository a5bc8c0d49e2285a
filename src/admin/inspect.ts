/** What operators look at: nothing here writes. */
export { countRecords, type RecordRow, records } from './records.ts';
export { type GroupView, type RecordView, type SideView, show } from './show.ts';
export type { CallbackView, SubscriptionView } from './showSubscription.ts';
export { type CampaignStatus, campaignStatus, type Status, status } from './status.ts';
