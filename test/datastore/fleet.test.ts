import { PubSub } from '@google-cloud/pubsub';
import { describe, expect, inject, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { systemClock } from '../../src/clock.ts';
import { pubsubDispatch } from '../../src/dispatch/pubsub.ts';
import { Worker } from '../../src/engine/worker.ts';
import { newProject } from '../emulators/each.ts';
import { seed, verified, world } from '../engine/harness.ts';

const N = 3_000;
const pubsub = inject('pubsub');

// On Cloud Datastore, in processes that are killed: `npm run fleet`.
describe.skipIf(pubsub === undefined)('a fleet on Pub/Sub', () => {
  it('is handed its ranges by Pub/Sub, and every worker does a part', async () => {
    const projectId = newProject();
    const client = new PubSub({
      projectId,
      apiEndpoint: pubsub!,
      emulatorMode: true,
      universeDomain: 'googleapis.com',
    });
    const [topic] = await client.createTopic('ranges');
    await topic.createSubscription('workers', { ackDeadlineSeconds: 10 });
    const w = world({ clock: systemClock });
    const { store } = w;
    await seed(store, N);
    await commands.start(w.context, 'feeds');
    const abort = new AbortController();
    const paged = new Map<string, number>();
    const work = async (id: string) => {
      const names = { topic: 'ranges', subscription: 'workers', projectId, emulatorHost: pubsub! };
      const dispatch = await pubsubDispatch(names);
      const events = { paged: (_: string, n: number) => void paged.set(id, (paged.get(id) ?? 0) + n) };
      const options = { store, migrations: [w.migration], clock: systemClock, id, dispatch, lanes: 2, events };
      await new Worker(options).run(abort.signal);
      await dispatch.close();
    };
    const working = Promise.all(['w1', 'w2'].map(work));
    const settled = async () => (await commands.theCampaign(w.context, 'feeds')).settledAt !== undefined;
    while (!(await Promise.race([settled(), working.then(() => true)]))) await systemClock.sleep(100);
    abort.abort();
    await working;
    expect(await settled()).toBe(true);
    expect(await verified(w)).toMatchObject({ clean: true, started: N });
    for (const id of ['w1', 'w2']) expect(paged.get(id), id).toBeGreaterThan(0);
    await client.close();
  });
});
