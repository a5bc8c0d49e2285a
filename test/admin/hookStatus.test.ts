import { expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { campaignStatus } from '../../src/admin/status.ts';
import { campaignStatusSchema } from '../../src/admin/statusSchema.ts';
import { campaignText } from '../../src/cli/statusText.ts';
import { defineMigration } from '../../src/define/migration.ts';
import { changingRule, rest, seed, timedClock, world } from '../engine/harness.ts';

it('`status` tells what a command waits for, why that failed, and what to do', async () => {
  let isShut = true;
  const beforeSwitch = () => {
    if (isShut) throw new Error('the door is shut');
  };
  const onGroupWhole = () => {
    throw new Error('nobody listens');
  };
  const hooks = { beforeSwitch, onGroupWhole };
  const migration = defineMigration({ name: 'feeds', version: 1, by: 'group', records: [changingRule], hooks });
  const clock = timedClock();
  const w = world({ migration, clock });
  await seed(w.store, 3);
  const told = async () => {
    const status = await campaignStatus(w.context, await commands.theCampaign(w.context, 'feeds'));
    campaignStatusSchema.strict().parse(JSON.parse(JSON.stringify(status)));
    return { status, text: campaignText(status) };
  };
  await commands.start(w.context, 'feeds');
  await clock.run(rest(w));
  expect((await told()).status).not.toHaveProperty('hook');
  await commands.switchOver(w.context, 'feeds', { share: 100 });
  const due = await told();
  expect(due.status).toMatchObject({
    settled: false,
    targets: [{ target: 'copied' }],
    hook: {
      hook: 'beforeSwitch',
      state: 'due',
      attempt: 0,
      key: 'feeds.1.2.beforeSwitch',
      waits: { what: 'switch', targets: [{ target: 'switched' }] },
    },
  });
  expect(due.text).toContain('feeds.1  copied, switch waits for beforeSwitch');
  expect(due.text).toContain('a worker calls the hook: handover work');
  await clock.run(w.worker.step(await commands.theCampaign(w.context, 'feeds'), new AbortController().signal));
  const failed = await told();
  expect(failed.status.hook).toMatchObject({ state: 'failed', attempt: 1, cause: 'the door is shut' });
  expect(failed.status.hook!.nextAt).toBeGreaterThan(clock.now());
  expect(failed.text).toMatch(/hook +beforeSwitch failed, attempt 1: the door is shut; next attempt 20/);
  await clock.run(rest(w));
  const paused = await told();
  expect(paused.text).toContain('copied, paused: hook beforeSwitch (feeds.1.2.beforeSwitch) failed in attempt 8');
  expect(paused.text).toContain('correct what is wrong, then handover resume feeds');
  isShut = false;
  await commands.resume(w.context, 'feeds');
  await clock.run(rest(w));
  const groups = await told();
  expect(groups.status.groupHooks).toBeGreaterThan(0);
  expect(groups.text).toMatch(/onGroupWhole due for \d groups?/);
});
