import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { key } from '../../src/record/key.ts';
import { lmdbStore } from '../../src/store/lmdb.ts';
import { content } from '../engine/harness.ts';

// Without a disk to wait for there are many more commits for an opening to fall between.
const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'handover-opening-'));
const openers: ChildProcess[] = [];
const FOR_MS = 6_000;

afterAll(() => {
  for (const opener of openers) opener.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

it('a process that opens the store while another writes takes no acknowledged write back', async () => {
  const store = lmdbStore({ path: folder });
  const counter = key('Counter', 'one');
  const [inserted] = await store.commit([{ op: 'insert', key: counter, content: content({ value: 0 }) }]);
  let version = inserted!.status === 'applied' ? inserted!.version : 0;
  for (let i = 0; i < 2; i++) openers.push(opener());
  const end = performance.now() + FOR_MS;
  for (let value = 1; performance.now() < end; value++) {
    // Nobody else writes: each compare-and-set must find what the one before it left.
    const [outcome] = await store.commit([{ op: 'update', key: counter, version, content: content({ value }) }]);
    if (outcome!.status !== 'applied')
      throw new Error(`write ${value} found that write ${value - 1} had been taken back`);
    version = outcome!.version;
  }
  expect(openers.every(({ exitCode }) => exitCode === null || exitCode === 0)).toBe(true);
  await store.close();
});

function opener(): ChildProcess {
  const script = join(import.meta.dirname, 'children/opener.mjs');
  const dist = resolve(import.meta.dirname, '../../dist');
  return spawn(process.execPath, [script, dist, folder, String(FOR_MS)], { stdio: 'inherit' });
}
