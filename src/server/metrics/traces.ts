import type { Tracer } from '@opentelemetry/api';
import { isControl } from '../../engine/documents.ts';
import type { WorkerEvents } from '../../engine/worker.ts';
import { HandoverError } from '../../errors.ts';
import { aroundCalls } from '../../store/around.ts';
import type { Store } from '../../store/store.ts';

/** Keys and contents are in no span: a trace goes to others. */
export interface Traces {
  /** A page's way is a span. */
  readonly events: Pick<WorkerEvents, 'page'>;
  /** The same store; each call on the way of a page is a span below it. */
  traced(store: Store): Store;
}

/** With the API package of OpenTelemetry; undefined where it is not installed. It does nothing until an SDK is registered. */
export async function traces(): Promise<Traces | undefined> {
  const api = await import('@opentelemetry/api').catch(() => undefined);
  if (!api) return undefined;
  const tracer = api.trace.getTracer('handover');
  return {
    events: {
      page: ({ campaign, sweep, home, worker }, act) =>
        spanned(tracer, 'handover.page', { campaign, sweep, home, worker }, act),
    },
    traced: (store) =>
      aroundCalls(store, ({ call, kind, size }, act) => {
        // Only what is on the way of a page: whoever looks or waits beside it makes no traces of its own.
        if (!api.trace.getActiveSpan()?.isRecording()) return act();
        const of = isControl(kind) ? 'control' : 'records';
        return spanned(tracer, `handover.store.${call}`, { of, size }, act);
      }),
  };
}

function spanned<R>(
  tracer: Tracer,
  name: string,
  facts: Readonly<Record<string, string | number>>,
  act: () => Promise<R>,
): Promise<R> {
  const attributes = Object.fromEntries(Object.entries(facts).map(([field, value]) => [`handover.${field}`, value]));
  return tracer.startActiveSpan(name, { attributes }, async (span) => {
    try {
      return await act();
    } catch (error) {
      // An error, by its number there. What it says may quote a record.
      span.setStatus({ code: 2, message: error instanceof HandoverError ? error.code : 'unexpected' });
      throw error;
    } finally {
      span.end();
    }
  });
}
