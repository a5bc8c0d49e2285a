import type { Move } from '../../machines/moves.ts';
import * as commands from '../../src/admin/commands.ts';
import { type Clock, systemClock } from '../../src/clock.ts';
import type { Migration } from '../../src/define/migration.ts';
import { homeRange } from '../../src/engine/sweep.ts';
import { Worker } from '../../src/engine/worker.ts';
import { LIMITS } from '../../src/limits.ts';
import type { KeyRange, Store } from '../../src/store/store.ts';
import { migration as feeds, rule } from './feeds.ts';

/**
 * What nobody should do to live data: no versions, no state, no second look. The physical cost of the move, by as many
 * lanes as a worker has, over `pieces` ranges.
 */
export async function raw(store: Store, pieces: number = LIMITS.lanes): Promise<void> {
  const ranges = [...(await store.split(homeRange(feeds, 0, 'S'), pieces))];
  const lane = async () => {
    for (let range = ranges.shift(); range; range = ranges.shift()) await rawRange(store, range);
  };
  await Promise.all(Array.from({ length: LIMITS.lanes }, lane));
}

async function rawRange(store: Store, whole: KeyRange): Promise<void> {
  let range = whole;
  for (let more = true; more; ) {
    const page = await store.scan(range, LIMITS.pageSize);
    const puts = page.entities.map(({ key: old, content }) => ({
      key: rule.targetOf(old, content),
      content: rule.forward(old, content),
    }));
    await store.overwrite(
      puts,
      page.entities.map(({ key: old }) => old),
    );
    more = page.more;
    if (more) range = { ...range, after: page.entities[page.entities.length - 1]!.key };
  }
}

export interface EngineRun {
  /** Told when the campaign is started and a worker begins. */
  readonly onBegun?: () => void;
  /** Told after each commit how many records have arrived by it. */
  readonly onArrived?: (records: number) => void;
  /** Whether to leave out what a campaign waits for before it closes, on a store without guards. */
  readonly skipsWaits?: boolean;
  /** Default: feeds to under their users. */
  readonly migration?: Migration;
}

/** A campaign of one worker, from its start to its end, without the ramp: it is the path that is measured. */
export async function engine(store: Store, run: EngineRun = {}): Promise<void> {
  const { onBegun, onArrived, skipsWaits = false, migration = feeds } = run;
  let skippedMs = 0;
  const clock: Clock = {
    ...systemClock,
    now: () => systemClock.now() + skippedMs,
    ticks: () => systemClock.ticks() + skippedMs,
  };
  const context = { store, migrations: [migration], clock, by: 'bench' };
  const signal = new AbortController().signal;
  const moved = (_: string, type: Move['type'], count: number) => {
    if (type === 'pass' || type === 'drop') onArrived?.(count);
  };
  const worker = new Worker({ store, migrations: [migration], clock, events: { moved } });
  await commands.start(context, migration.name, { to: 'completed', ramp: false });
  onBegun?.();
  for (;;) {
    const campaign = await commands.theCampaign(context, migration.name);
    if (campaign.closed) return;
    if (await worker.step(campaign, signal)) continue;
    // It has nothing in hand, and nobody else is there: so time may jump.
    if (skipsWaits) skippedMs += LIMITS.actWithinMs;
    else await clock.sleep(LIMITS.idleMs);
  }
}
