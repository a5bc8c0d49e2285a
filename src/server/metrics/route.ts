import type { FastifyInstance, FastifySchema } from 'fastify';
import { Counter, Gauge } from 'prom-client';
import { z } from 'zod';
import { LIMITS } from '../../limits.ts';
import type { Receiver } from '../../webhooks/receive.ts';
import type { Watch } from '../live/watch.ts';
import { PROBLEMS } from '../openapi.ts';
import type { Services } from '../operations/operation.ts';
import { patientStore } from '../patience.ts';
import { Gauges } from './gauges.ts';
import { oldestIntentAt } from './intents.ts';
import type { Metrics } from './metrics.ts';

export interface MetricsOptions {
  readonly metrics: Metrics;
  readonly watch: Watch;
  readonly receiver?: Receiver | undefined;
}

/** `GET /metrics`, for Prometheus. A store that does not answer spoils no more than what it would have said. */
export function metricsRoute(app: FastifyInstance, services: Services, options: MetricsOptions): void {
  const { metrics, watch } = options;
  const { registry } = metrics;
  const gauges = new Gauges(registry);
  const answers = new Gauge({
    name: 'handover_store_answers',
    help: '1 when the store answered this scrape',
    registers: [registry],
  });
  ofProcess(options);
  const collect = async () => {
    const { store, clock, migrations } = services;
    const patient = patientStore(store, AbortSignal.timeout(LIMITS.requestMs));
    const [status, oldest] = await Promise.all([watch.fresh(), oldestIntentAt(patient)]);
    gauges.set({ status, migrations, now: clock.now(), oldestIntentAt: oldest });
  };
  app.get('/metrics', { schema: SCHEMA }, async (_request, reply) => {
    const error = await collect().then(
      () => undefined,
      (error: unknown) => error,
    );
    if (error !== undefined) {
      // What was true before may not be any more.
      gauges.clear();
      app.log.warn({ event: 'metrics.faltered', err: error });
    }
    answers.set(Number(error === undefined));
    return reply.type(registry.contentType).send(await registry.metrics());
  });
}

/** What others count. */
function ofProcess({ metrics: { registry }, watch, receiver }: MetricsOptions): void {
  new Gauge({
    name: 'handover_event_streams',
    help: 'Event streams that are open',
    registers: [registry],
    collect() {
      this.set(watch.watchers);
    },
  });
  if (!receiver) return;
  new Counter({
    name: 'handover_deliveries_total',
    help: 'Deliveries to callback URLs of this process; suspicious: the signature was refused',
    labelNames: ['outcome'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [outcome, n] of Object.entries(receiver.counts)) this.inc({ outcome }, n);
    },
  });
}

const SCHEMA = {
  operationId: 'metrics',
  tags: ['looks'],
  summary: 'For Prometheus',
  description: 'For viewers and above. docs/monitoring.md explains every metric.',
  response: {
    200: { description: 'In the text format', content: { 'text/plain': { schema: z.string() } } },
    ...PROBLEMS,
  },
} as FastifySchema;
