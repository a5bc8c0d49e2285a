import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { lmdbStore } from '../../src/store/lmdb.ts';
import { tempDir } from '../store/dirs.ts';

const SCRIPT = join(import.meta.dirname, 'children/start.mjs');

describe('two processes that start two migrations of one kind at one moment', { timeout: 120_000 }, () => {
  it('exactly one of them is started, on a real store', async () => {
    for (let round = 0; round < 3; round++) {
      const path = tempDir();
      const children: ChildProcess[] = [];
      try {
        const saying = ['north', 'south'].map((name) => {
          const child = spawn(process.execPath, [SCRIPT, path, name], { stdio: ['pipe', 'pipe', 'inherit'] });
          children.push(child);
          return createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
        });
        for (const lines of saying) expect((await lines.next()).value).toBe('ready');
        const ended = children.map((child) => once(child, 'exit'));
        for (const child of children) child.stdin!.write('go\n');
        const said = await Promise.all(saying.map(async (lines) => (await lines.next()).value as string));
        await Promise.all(ended);
        expect(said.toSorted()).toEqual(['said done', 'said home.taken']);
        const store = lmdbStore({ path });
        const begun = (await commands.campaigns({ store })).filter(({ stage }) => stage !== 'draft');
        await store.close();
        expect(begun).toHaveLength(1);
      } finally {
        for (const child of children) child.kill('SIGKILL');
        rmSync(path, { recursive: true });
      }
    }
  });
});
