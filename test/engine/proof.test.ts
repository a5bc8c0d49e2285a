import { expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { proofOf } from '../../src/engine/proof.ts';
import { verify } from '../../src/engine/verify.ts';
import { LIMITS } from '../../src/limits.ts';
import { rest, seed, verified, world } from './harness.ts';

it('a verification that is interrupted leaves the last one that was finished', async () => {
  const w = world();
  await seed(w.store, LIMITS.pageSize + 1);
  await commands.start(w.context, 'feeds');
  await rest(w);
  const { at } = await verified(w);
  await w.clock.sleep(1000);
  const campaign = await commands.theCampaign(w.context, 'feeds');
  const stopping = new AbortController();
  const options = { clock: w.clock, restart: true, signal: stopping.signal, onProgress: () => stopping.abort() };
  await expect(verify(w.store, w.migration, campaign, options)).rejects.toMatchObject({ code: 'wait.interrupted' });
  expect(await proofOf(w.store, 'feeds.1')).toMatchObject({ at, clean: true, started: LIMITS.pageSize + 1 });
  await verify(w.store, w.migration, campaign, { clock: w.clock });
  expect((await proofOf(w.store, 'feeds.1'))!.at).toBeGreaterThan(at);
});
