import { campaigns, migrationNamed } from '../../admin/commands.ts';
import { type PlanOptions, plan } from '../../engine/plan.ts';
import type { SampleSize } from '../../engine/planSample.ts';
import { RAMP } from '../../engine/ramp.ts';
import { HandoverError } from '../../errors.ts';
import { pricesOf } from '../../store/prices.ts';
import { readOnlyStore } from '../../store/readOnly.ts';
import { columnsOf } from '../io.ts';
import { meterFor } from '../meter.ts';
import { planMarkdown } from '../planMarkdown.ts';
import { planText } from '../planText.ts';
import { meant, percentage, type Session, type Verb, wholeNumber } from '../verb.ts';

interface Options {
  readonly sample?: SampleSize;
  readonly ceiling?: number;
  readonly markdown?: boolean;
}

export const planVerb: Verb<Options> = {
  usage: 'plan [migration]',
  summary: 'read the records, move them in memory, and say what it would meet and cost; writes nothing',
  configure: (command) =>
    command
      .option('--sample <size>', 'read a part only and extrapolate: 5% of the records, or about 20000', sampleSize)
      .option('--ceiling <rate>', 'operations a second at which the ramp ends', wholeNumber('--ceiling', 1))
      .option('--markdown', 'print it as Markdown, for a change request'),
  async run(session, [name], options) {
    // The one store that this verb has.
    const store = readOnlyStore(session.store);
    const { io, json } = session;
    const migration = migrationNamed(session, meant(session, name));
    const meter = meterFor(io, json);
    const onProgress = async (done: number) => {
      meter.show({ name: `${migration.name} plan`, done });
      await session.clock.sleep(0); // reading alone never lets a signal or the terminal in
    };
    try {
      const open = (await campaigns({ store })).find((each) => each.migration === migration.name && !each.closed);
      const report = await plan(store, migration, {
        ...termsOf(session, options),
        ...(open ? { campaign: open.id } : {}),
        onProgress,
        signal: session.signal,
      });
      const text = options.markdown
        ? planMarkdown(report, store.capabilities.name)
        : planText(report, store.capabilities.name, columnsOf(io.out) || 100);
      return { data: report, text };
    } finally {
      meter.stop();
    }
  },
};

function termsOf({ store, project }: Session, { sample, ceiling }: Options): PlanOptions {
  const prices = pricesOf(store.prices, project.config.prices);
  return {
    ...(sample ? { sample } : {}),
    ...(prices ? { prices } : {}),
    ...(ceiling === undefined ? {} : { ramp: { ...RAMP, ceilingPerSecond: ceiling } }),
  };
}

/** `5%`, or a number of records. Throws `usage.invalid`. */
function sampleSize(text: string): SampleSize {
  if (text.trimEnd().endsWith('%')) return { percent: percentage('--sample')(text.trimEnd().slice(0, -1)) };
  const records = Number(text);
  if (text.trim() !== '' && Number.isSafeInteger(records) && records > 0) return { records };
  throw new HandoverError(
    'usage.invalid',
    `--sample takes percent, as 5%, or a number of records, not ${JSON.stringify(text)}.`,
  );
}
