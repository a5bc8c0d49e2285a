export {
  Crash,
  type Fault,
  MemoryData,
  type MemoryStoreOptions,
  memoryStore,
  type StoreCall,
} from '../store/memory.ts';
export { FAULTS, type FaultKind, type Weather } from './faults.ts';
export { HandClock } from './hub/handClock.ts';
export { TestHub, type TestHubOptions } from './hub/hub.ts';
export type {
  AskEntry,
  DeliveryEntry,
  HubLog,
  SubscriptionEntry,
  SubscriptionState,
  VerificationEntry,
} from './hub/log.ts';
export type { Patience } from './hub/outbox.ts';
export { type CallEntry, type ProviderLog, TestProvider, type TestProviderOptions } from './hub/provider.ts';
export { NO_PROVIDER_QUIRKS, type ProviderQuirks } from './hub/providerQuirks.ts';
export { type HubQuirks, NO_QUIRKS } from './hub/quirks.ts';
export { type Content as TopicContent, numbersIn, type TopicKind } from './hub/topic.ts';
export type { Status } from './hub/web.ts';
export type { EventDelivery } from './hub/webhooks.ts';
export type { Mind, Scenario, Wait } from './scenario.ts';
export type { Habits } from './schedule.ts';
export { type SimulateOptions, type SimulationFailure, type SimulationReport, simulate } from './simulate.ts';
export type { NextVersion, SimulatedRecord, SimulatedReferrer, Subjects } from './subject.ts';
export type { Tally } from './tally.ts';
