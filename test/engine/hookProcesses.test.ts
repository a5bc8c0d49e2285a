import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { LIMITS } from '../../src/limits.ts';
import { lmdbStore } from '../../src/store/lmdb.ts';
import { tempDir } from '../store/dirs.ts';
import { seed } from './harness.ts';

const SCRIPT = join(import.meta.dirname, 'children/hook.mjs');

it('a process that is killed between a call and its outcome leaves the hook to be called again with the same key', {
  timeout: 120_000,
}, async () => {
  const path = tempDir();
  const children: ChildProcess[] = [];
  const worker = (skippedMs: number, does: string) => {
    const child = spawn(process.execPath, [SCRIPT, path, String(skippedMs), does], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    children.push(child);
    return { child, lines: createInterface({ input: child.stdout! })[Symbol.asyncIterator]() };
  };
  const store = lmdbStore({ path });
  try {
    await seed(store, 3);
    const first = worker(0, 'hang');
    expect((await first.lines.next()).value).toBe('feeds.1.1.beforeSwitch 1');
    const dead = once(first.child, 'exit');
    first.child.kill('SIGKILL');
    await dead;
    expect((await commands.theCampaign({ store }, 'feeds')).stage).toBe('draft');
    const second = worker(LIMITS.hookMs + LIMITS.hookLateMs, 'end');
    expect((await second.lines.next()).value).toBe('feeds.1.1.beforeSwitch 2');
    const settled = async () => (await commands.theCampaign({ store }, 'feeds')).stage;
    await expect.poll(settled, { timeout: 30_000 }).toBe('switched');
    const ended = once(second.child, 'exit');
    second.child.stdin!.write('end\n');
    await ended;
    // Nobody has called it a third time.
    expect((await second.lines.next()).done).toBe(true);
  } finally {
    for (const child of children) child.kill('SIGKILL');
    await store.close();
    rmSync(path, { recursive: true });
  }
});
