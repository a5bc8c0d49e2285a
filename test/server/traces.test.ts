import { AsyncLocalStorage } from 'node:async_hooks';
import { type Context, type ContextManager, context, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { start } from '../../src/admin/commands.ts';
import { Worker } from '../../src/engine/worker.ts';
import { traces } from '../../src/server/metrics/traces.ts';
import { memoryStore } from '../../src/store/memory.ts';
import { rest, seed, type World, world } from '../engine/harness.ts';

/** What an SDK registers. */
class Contexts implements ContextManager {
  readonly #storage = new AsyncLocalStorage<Context>();
  active = () => this.#storage.getStore() ?? ROOT_CONTEXT;
  with: ContextManager['with'] = (active, act, self, ...args) =>
    this.#storage.run(active, () => act.call(self as never, ...args));
  bind: ContextManager['bind'] = (_context, target) => target;
  enable = () => this;
  disable = () => this;
}

const exporter = new InMemorySpanExporter();

beforeEach(() => {
  context.setGlobalContextManager(new Contexts());
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
});
afterEach(() => {
  exporter.reset();
  trace.disable();
  context.disable();
});

async function worked(): Promise<World> {
  const { events, traced } = (await traces())!;
  const w = world({ store: memoryStore() });
  await seed(w.store, 30);
  await start(w.context, 'feeds');
  const { migration, clock } = w;
  const worker = new Worker({ store: traced(w.store), migrations: [migration], clock, id: 'wt', events });
  await rest({ ...w, worker });
  return w;
}

it('a page is a span, with each store call on its way below it, and no keys or contents', async () => {
  await worked();
  const spans = exporter.getFinishedSpans();
  const pages = spans.filter(({ name }) => name === 'handover.page');
  expect(pages.length).toBeGreaterThan(0);
  expect(pages[0]!.attributes).toMatchObject({ 'handover.campaign': 'feeds.1', 'handover.worker': 'wt' });
  const ids = new Set(pages.map((page) => page.spanContext().spanId));
  const calls = spans.filter(({ name }) => name.startsWith('handover.store.'));
  expect(new Set(calls.map(({ name }) => name))).toContain('handover.store.commit');
  for (const call of calls) expect(ids.has(call.parentSpanContext?.spanId ?? '')).toBe(true);
  expect(JSON.stringify(spans.map(({ name, attributes, status }) => [name, attributes, status]))).not.toMatch(
    /feed \d|Feed/,
  );
});

it('without an SDK nothing is traced, and the worker works', async () => {
  trace.disable();
  await worked();
  expect(exporter.getFinishedSpans()).toEqual([]);
});
