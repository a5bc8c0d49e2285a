import type { Clock } from '../../clock.ts';
import type { Activity } from './activity.ts';
import type { DeliveryEntry, Open, VerificationEntry } from './log.ts';
import type { Patience } from './outbox.ts';
import type { HubQuirks } from './quirks.ts';

/** What the parts of a hub have in common. */
export interface House {
  readonly clock: Clock;
  readonly activity: Activity;
  readonly patience: Patience;
  /** As they are now: a test may change them. */
  readonly quirks: () => HubQuirks;
  readonly verifications: Open<VerificationEntry>[];
  readonly deliveries: Open<DeliveryEntry>[];
}
