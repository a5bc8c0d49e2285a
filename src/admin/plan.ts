import type { Config } from '../define/config.ts';
import { type PlanOptions, plan } from '../engine/plan.ts';
import type { PlanReport } from '../engine/planReport.ts';
import type { SampleSize } from '../engine/planSample.ts';
import { RAMP } from '../engine/ramp.ts';
import { HandoverError } from '../errors.ts';
import { pricesOf } from '../store/prices.ts';
import { readOnlyStore } from '../store/readOnly.ts';
import type { CommandContext } from './change.ts';
import { campaigns, migrationNamed } from './find.ts';

export interface PlanTerms {
  /** Reads a part only, and extrapolates. Default: everything. */
  readonly sample?: SampleSize;
  /** Operations a second at which the ramp ends. */
  readonly ceiling?: number;
  readonly prices?: Config['prices'];
}

/** Reads the records and moves them in memory: what a migration would meet and cost. Cannot write. */
export async function planMigration(
  context: Pick<CommandContext, 'store' | 'migrations'>,
  name: string,
  { sample, ceiling, prices }: PlanTerms,
  options: Pick<PlanOptions, 'onProgress' | 'signal'> = {},
): Promise<PlanReport> {
  // The one store that a plan has.
  const store = readOnlyStore(context.store);
  const migration = migrationNamed(context, name);
  const open = (await campaigns({ store })).find((each) => each.migration === migration.name && !each.closed);
  const charged = pricesOf(store.prices, prices);
  return plan(store, migration, {
    ...options,
    ...(sample ? { sample } : {}),
    ...(charged ? { prices: charged } : {}),
    ...(ceiling === undefined ? {} : { ramp: { ...RAMP, ceilingPerSecond: ceiling } }),
    ...(open ? { campaign: open.id } : {}),
  });
}

/** `5%`, or a number of records. Throws `usage.invalid`. */
export function sampleSize(text: string): SampleSize {
  const isShare = text.trimEnd().endsWith('%');
  const size = isShare ? Number(text.trimEnd().slice(0, -1)) : Number(text);
  if (text.trim() !== '' && isShare && size > 0 && size <= 100) return { percent: size };
  if (text.trim() !== '' && !isShare && Number.isSafeInteger(size) && size > 0) return { records: size };
  const detail = `--sample takes percent, as 5%, or a number of records, not ${JSON.stringify(text)}.`;
  throw new HandoverError('usage.invalid', detail);
}
