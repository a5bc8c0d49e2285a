import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { remoteStore } from '../../bench/scale/remoteStore.ts';
import { serverOf } from '../../bench/scale/server.ts';
import type { Seen } from '../../bench/scale/traffic.ts';
import { documentKey } from '../../src/engine/documents.ts';
import { key } from '../../src/record/key.ts';
import { memoryStore } from '../../src/store/memory.ts';
import { numbered } from './contract/steps.ts';
import { storeContract } from './contract.ts';

/** The store behind a socket that `npm run bench -- scale` measures workers against: what breaks the contract measures nothing. */
async function opened(who = 'bench') {
  const folder = mkdtempSync(join(tmpdir(), 'handover-remote-'));
  const path = join(folder, 'socket');
  const server = serverOf(memoryStore(), { latencyMs: 0 });
  server.listen(path);
  await once(server, 'listening');
  const store = await remoteStore(path, who);
  const cleanup = async () => {
    await store.close();
    server.close();
    rmSync(folder, { recursive: true, force: true });
  };
  return { store, path, cleanup };
}

storeContract('remote', opened);

it('what a worker asks of it is counted: calls, commits, records and control documents', async () => {
  const { store, path, cleanup } = await opened('worker 1');
  const [one, two, control] = [key('Feed', 1), key('Feed', 2), documentKey('campaign', 'feeds.1')];
  await store.commit([
    { op: 'insert', key: one, content: numbered(1) },
    { op: 'insert', key: two, content: numbered(2) },
  ]);
  await store.commit([{ op: 'insert', key: control, content: numbered(1) }]);
  await Promise.all([store.read([control]), store.read([one, two]), store.scan({ namespace: '', kind: 'Feed' }, 10)]);
  const bench = await remoteStore(path, 'bench');
  const [seen] = await bench.ask<Seen[]>('traffic');
  expect(seen).toMatchObject({
    calls: 5,
    commits: 2,
    recordsRead: 4,
    recordsWritten: 2,
    controlRead: 1,
    controlWritten: 1,
    outstandingMost: 3,
  });
  await bench.close();
  await cleanup();
});
