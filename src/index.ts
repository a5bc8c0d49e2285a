export * as commands from './admin/commands.ts';
export { type Clock, systemClock } from './clock.ts';
export { type Config, type ConfigDefinition, defineConfig } from './define/config.ts';
export { type EntityDefinition, type EntityRule, entity } from './define/entity.ts';
export { type FieldDefinition, type FieldRule, field } from './define/field.ts';
export type { Hook, HookCall, Hooks } from './define/hooks.ts';
export type {
  Discovery,
  Fetched,
  Hub,
  HubAnswer,
  HubRequest,
  HubSubscription,
  Protocol,
} from './define/hub.ts';
export {
  type CountDefinition,
  count,
  type FoldDefinition,
  fold,
  type Invariant,
  type Measure,
  type Must,
  type SumDefinition,
  sum,
} from './define/invariant.ts';
export { defineMigration, type Migration, type MigrationDefinition } from './define/migration.ts';
export { type Parts, type PartsDefinition, parts } from './define/parts.ts';
export type { OidcDefinition, Role, ServerDefinition, TokenDefinition } from './define/server.ts';
export {
  type SubscriptionDefinition,
  type SubscriptionRule,
  type SubscriptionTerms,
  subscription,
} from './define/subscription.ts';
export type { Answer, Dispatch, Hint, Letter } from './dispatch/dispatch.ts';
export { type VerifyOptions, type VerifyReport, verify } from './engine/verify.ts';
export { Worker, type WorkerEvents, type WorkerOptions } from './engine/worker.ts';
export { ERRORS, type ErrorCode, HandoverError } from './errors.ts';
export { Content } from './record/content.ts';
export { Key, key, type PathElement } from './record/key.ts';
export {
  double,
  fromPlain,
  GeoPoint,
  integer,
  type PlainRecord,
  type PlainValue,
  Timestamp,
  toPlain,
  unindexed,
} from './record/plain.ts';
export type { Properties, Value } from './record/value.ts';
export {
  type Address,
  type Derived,
  FieldRouter,
  type FieldRouterOptions,
  type GroupOptions,
  type GroupTransaction,
  type Legacy,
  type MigrateOptions,
  type Mismatch,
  type Outside,
  type Part,
  Router,
  type RouterEvents,
  type RouterOptions,
  withGroup,
} from './router/router.ts';
export type { PriceList } from './store/prices.ts';
export type {
  Capabilities,
  Entity,
  KeyRange,
  Mutation,
  Outcome,
  Page,
  Store,
  UnitOutcome,
  Version,
} from './store/store.ts';
