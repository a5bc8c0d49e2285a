import { planMigration, sampleSize } from '../../admin/plan.ts';
import type { SampleSize } from '../../engine/planSample.ts';
import { columnsOf } from '../io.ts';
import { meterFor } from '../meter.ts';
import { planMarkdown } from '../planMarkdown.ts';
import { planText } from '../planText.ts';
import { meant, type Verb, wholeNumber } from '../verb.ts';

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
    const { store, io, json, project } = session;
    const migration = meant(session, name);
    const meter = meterFor(io, json);
    const onProgress = async (done: number) => {
      meter.show({ name: `${migration} plan`, done });
      await session.clock.sleep(0); // reading alone never lets a signal or the terminal in
    };
    try {
      const { prices } = project.config;
      const terms = { ...options, ...(prices ? { prices } : {}) };
      const report = await planMigration(session, migration, terms, { onProgress, signal: session.signal });
      const text = options.markdown
        ? planMarkdown(report, store.capabilities.name)
        : planText(report, store.capabilities.name, columnsOf(io.out) || 100);
      return { data: report, text };
    } finally {
      meter.stop();
    }
  },
};
