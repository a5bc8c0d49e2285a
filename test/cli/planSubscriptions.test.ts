import { describe, expect, it } from 'vitest';
import { planMarkdown } from '../../src/cli/planMarkdown.ts';
import { planText } from '../../src/cli/planText.ts';
import { entity } from '../../src/define/entity.ts';
import type { Hub } from '../../src/define/hub.ts';
import { defineMigration } from '../../src/define/migration.ts';
import { subscription } from '../../src/define/subscription.ts';
import { plan } from '../../src/engine/plan.ts';
import { key } from '../../src/record/key.ts';
import { memoryStore } from '../../src/store/memory.ts';
import { checkComponent } from '../server/described.ts';
import { content } from './project.ts';

interface Feed {
  user: string;
  push: string;
}

/** Nobody is to be asked anything by a plan. */
const never = () => {
  throw new Error('asked');
};
const hub: Hub = { name: 'hub', shape: 'overlap', discover: never, subscribe: never, unsubscribe: never, fetch: never };
const terms = ({ push }: { push: string }) => {
  if (push === 'bad') throw new Error('no token');
  if (push === '') return undefined;
  const urls = { old: `https://app.example/old/${push.slice(0, 2)}`, new: `https://app.example/new/${push}` };
  return { topic: 'https://blog.example/', ...urls, ...(push.startsWith('d') ? {} : { hub: 'https://hub.example/' }) };
};

const migration = defineMigration({
  name: 'feeds',
  version: 1,
  records: [entity<Feed>({ from: 'Feed', into: 'User/Feed', to: ({ user }, { id }) => key('User', user, 'Feed', id) })],
  subscriptions: [
    subscription<Feed>({ of: 'Feed', hub, protocol: 'feed', terms }),
    subscription<{ push: string }>({ of: 'Hook', hub: { ...hub, name: 'provider' }, protocol: 'stripe', terms }),
  ],
});

async function planned() {
  const store = memoryStore();
  // One that is discovered, one that is not, one that fails, and one with the path of another.
  const pushes = ['', 'd1', 'n1', 'bad', '', 'n1 again'];
  await store.overwrite([
    ...pushes.map((push, i) => ({ key: key('Feed', i + 1), content: content({ user: 'u', push }) })),
    { key: key('Hook', 1), content: content({ push: 'h1' }) },
  ]);
  return plan(store, migration);
}

describe('the plan of subscriptions', () => {
  it('counts them by who posts, with the requests of each step, and with what fails', async () => {
    const report = await planned();
    await checkComponent('PlanReport', report);
    expect(report.subscriptions).toEqual([
      {
        of: 'Feed',
        hub: 'hub',
        protocol: 'feed',
        shape: 'overlap',
        subscriptions: 2,
        inFlight: 0,
        discovered: 1,
        servers: { 'hub.example': 1 },
        // A discovery; of each a request and a look at the topic.
        requests: { start: 5, switch: 4, reverse: 6 },
      },
      {
        of: 'Hook',
        hub: 'provider',
        protocol: 'stripe',
        shape: 'overlap',
        subscriptions: 1,
        inFlight: 0,
        discovered: 0,
        servers: { 'hub.example': 1 },
        requests: { start: 2, switch: 2, reverse: 3 },
      },
    ]);
    expect(report.problems).toMatchObject({
      'transform.terms': { count: 1, samples: [{ key: 'Feed:4', message: 'Feed:4: no token' }] },
      'target.collision': {
        count: 1,
        samples: [{ message: 'Feed:6 and another record have the callback /old/n1.' }],
      },
    });
    expect(report.records).toBe(6);
  });

  it('says so as text and as Markdown', async () => {
    const report = await planned();
    const text = planText(report, 'memory', 100);
    expect(text).toMatch(/Feed +hub +2 +5 +4 +6/);
    expect(text).toContain('Feed: 1 at the hub that is discovered from the topic');
    expect(text).toContain('transform.terms: 1');
    const markdown = planMarkdown(report, 'memory');
    expect(markdown).toMatch(/\| Feed +\| hub +\| +2 +\| +5 +\| +4 +\| +6 +\|/);
    expect(markdown).toContain('- Hook: 1 at hub.example');
  });

  it('sends to start where there are subscriptions and no records to move', async () => {
    const store = memoryStore();
    await store.overwrite([{ key: key('Hook', 1), content: content({ push: 'h1' }) }]);
    const alone = defineMigration({ name: 'hooks', version: 1, subscriptions: migration.subscriptions.slice(1) });
    expect(planText(await plan(store, alone), 'memory', 100)).toContain('Next: handover start hooks');
  });
});
