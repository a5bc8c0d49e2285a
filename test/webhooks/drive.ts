import * as commands from '../../src/admin/commands.ts';
import type { Clock } from '../../src/clock.ts';
import type { Migration } from '../../src/define/migration.ts';
import { Worker, type WorkerOptions } from '../../src/engine/worker.ts';
import { Crash, type Fault, type MemoryData, memoryStore, type StoreCall } from '../../src/store/memory.ts';

export type Strike = (index: number, call: StoreCall) => Fault | undefined;

/** A world whose workers may die, in which something is published whatever they are about to change. */
export interface Driven {
  readonly clock: Clock;
  readonly context: commands.CommandContext;
  readonly provider: { publish(): Promise<void> };
  worker(): Worker;
}

/** Workers with a store of their own each, for it dies with them; and how many calls all of them made. */
export function workersOn(
  data: MemoryData,
  {
    provider,
    fault,
    ...options
  }: Pick<Driven, 'provider'> & { fault?: Strike | undefined } & Omit<WorkerOptions, 'store' | 'id'>,
) {
  let calls = 0;
  let workers = 0;
  const faulty = () =>
    memoryStore({
      data,
      fault: async (call) => {
        // In whatever state they leave things. A look leaves them as they are: what comes before it is there before a change.
        if (call.mutations.length > 0) await provider.publish();
        const index = calls++;
        return fault?.(index, call);
      },
    });
  const worker = (migrations: readonly Migration[] = options.migrations) =>
    new Worker({ ...options, migrations, store: faulty(), id: `w${++workers}` });
  return { worker, calls: () => calls };
}

/** Until the campaign rests, or `enough`; a worker that dies is followed by another. */
export async function restOf(w: Driven, name: string, enough?: () => Promise<boolean>): Promise<commands.Campaign> {
  let worker = w.worker();
  for (let i = 0; i < 3000; i++) {
    const campaign = await commands.theCampaign(w.context, name);
    if (campaign.settledAt !== undefined || campaign.closed || campaign.run === 'paused') return campaign;
    const end = new AbortController();
    try {
      const working = worker.step(campaign, end.signal).finally(() => end.abort());
      while (enough && !end.signal.aborted) {
        if (await enough()) end.abort();
        await new Promise<void>((resolve) => setImmediate(resolve));
      }
      if (!(await working)) await w.clock.sleep(1000);
      if (await enough?.()) return campaign;
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      worker = w.worker();
    }
    await w.provider.publish();
  }
  throw new Error('it never came to rest');
}

export type Say = (context: commands.CommandContext) => Promise<unknown>;

/** What an operator says, for the campaigns of one migration. */
export const saying = (name: string) => ({
  START: (context: commands.CommandContext) => commands.start(context, name, { ramp: false }),
  SWITCH: (context: commands.CommandContext) => commands.switchOver(context, name),
  REVERSE: (context: commands.CommandContext) => commands.reverse(context, name),
  COMPLETE: (context: commands.CommandContext) => commands.complete(context, name),
});
