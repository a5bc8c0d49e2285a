import type { Receiver } from '../../webhooks/receive.ts';
import type { Part } from '../app.ts';
import { Metrics } from '../metrics/metrics.ts';
import { metricsRoute } from '../metrics/route.ts';
import { events } from './events.ts';

export interface LiveOptions {
  /** What this process has counted. Default: nothing. */
  readonly metrics?: Metrics;
  readonly receiver?: Receiver;
}

/** What the server tells of itself and of its campaigns, without being asked again and again. */
export const live =
  ({ metrics, receiver }: LiveOptions): Part =>
  async (app, services) => {
    const watch = await events(app, services);
    metricsRoute(app, services, { metrics: metrics ?? new Metrics(services.clock), watch, receiver });
  };
