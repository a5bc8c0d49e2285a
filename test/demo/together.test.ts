import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { AckLog, readAckLog } from '../../examples/feed-reader/lib/ackLog.ts';
import { contentAt, recordAt } from '../../examples/feed-reader/lib/records.ts';
import { changeTogether } from '../../examples/feed-reader/lib/together.ts';
import migration from '../../examples/feed-reader/migrations/feeds-under-users.ts';
import * as commands from '../../src/admin/commands.ts';
import { systemClock } from '../../src/clock.ts';
import { Worker } from '../../src/engine/worker.ts';
import { Content } from '../../src/record/content.ts';
import { memoryStore } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/store.ts';

const RECORDS = 60;

/** A store whose users are whole. */
async function moved(): Promise<Store> {
  const store = memoryStore();
  const numbers = Array.from({ length: RECORDS }, (_, n) => n);
  await store.overwrite(numbers.map((n) => ({ key: recordAt(n).from, content: Content.of(contentAt(n)) })));
  const context = { store, migrations: [migration], clock: systemClock, by: 'test' };
  const { id } = await commands.start(context, migration.name, { to: 'switched' });
  await new Worker(context).step({ id }, new AbortController().signal);
  return store;
}

function logFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'handover-test-together-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, 'log');
}

it('changes a feed, an article and a note of one user, and each of them is in the log of what was acknowledged', async () => {
  const path = logFile();
  const together = await changeTogether(await moved(), migration, RECORDS, new Map(), new AckLog(path));
  expect(together).toMatchObject({ due: 3, changed: 3, changedByFailed: 0, holds: true });
  const { last, writes, irregular } = readAckLog(path);
  expect([writes, irregular]).toEqual([3, 0]);
  expect([...last.keys()].map((n) => recordAt(n).kind)).toEqual(['Feed', 'Article', 'Note']);
});

it('finds out about a store that says it has written, and has not', async () => {
  const store = await moved();
  const forgetful: Store = Object.assign(Object.create(store) as Store, {
    commitTogether: async (units: readonly (readonly unknown[])[]) =>
      units.map(() => ({ status: 'applied', versions: [] })),
  });
  const together = await changeTogether(forgetful, migration, RECORDS, new Map(), new AckLog(logFile()));
  expect(together).toMatchObject({ changed: 0, holds: false });
});
