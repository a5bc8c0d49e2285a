import { type Clock, systemClock } from '../../src/clock.ts';

/** Deadlines of half a minute pass in a second and a half. */
const SPEED = 20;

/** Time that several processes share: it runs faster than the system's, and can be moved on. */
export class SharedClock implements Clock {
  readonly epoch: number;
  skippedMs: number;
  readonly id = systemClock.id;

  constructor(epoch: number = systemClock.now(), skippedMs = 0) {
    this.epoch = epoch;
    this.skippedMs = skippedMs;
  }

  now(): number {
    return Math.floor(this.epoch + (systemClock.now() - this.epoch) * SPEED + this.skippedMs);
  }

  ticks(): number {
    return systemClock.ticks() * SPEED;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return systemClock.sleep(ms / SPEED, signal);
  }
}
