import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { key } from '../../src/record/key.ts';
import { lmdbStore } from '../../src/store/lmdb.ts';
import type { Store } from '../../src/store/store.ts';
import { insert, numbered, numberOf, readOne, scanAll } from './contract/steps.ts';
import { tempDir } from './dirs.ts';

const FEEDS = { namespace: '', kind: 'Feed' };

interface Child {
  readonly process: ChildProcess;
  readonly lines: string[];
  /** Resolves once there are that many lines; rejects when the child ends before. */
  readonly reached: (count: number) => Promise<void>;
  readonly ended: Promise<{ code: number | null; signal: string | null }>;
}

describe('lmdb: several processes over one directory', () => {
  let path: string;
  let store: Store;
  const children: ChildProcess[] = [];

  beforeEach(() => {
    path = tempDir();
    store = lmdbStore({ path });
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    await store.close();
    rmSync(path, { recursive: true });
  });

  const run = (command: string, ...args: string[]): Child => {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    children.push(child);
    return follow(child);
  };
  const node = (script: string, ...args: string[]) => run(process.execPath, scriptPath(script), path, ...args);

  it('three processes that increment the same counters by compare-and-set lose no update', async () => {
    const [times, own] = [300, 100];
    const counters = [1, 2, 3].map((id) => key('Counter', id));
    await store.overwrite(counters.map((each) => ({ key: each, content: numbered(0) })));
    const pair = [node('increment.mjs', String(times)), node('increment.mjs', String(times))];
    await Promise.all(pair.map((child) => child.reached(1)));
    for (const child of pair) child.process.stdin!.write('go\n');
    await increment(store, counters[0]!, own);
    for (const child of pair) expect(await child.ended).toEqual({ code: 0, signal: null });
    expect((await store.read(counters)).map(numberOf)).toEqual([2 * times + own, 2 * times, 2 * times]);
    const conflicts = pair.map((child) => Number(child.lines[1]!.split(' ')[1]));
    expect(conflicts[0]! + conflicts[1]!, 'they never met: the test proves nothing').toBeGreaterThan(0);
  });

  it('a writer that is killed loses nothing it acknowledged, and its lock hinders nobody', async () => {
    let acknowledged = 0;
    for (let round = 1; round <= 3; round++) {
      const child = node('acknowledge.mjs', String(await next(store)));
      // What another process acknowledged is seen by this one at once, while it goes on writing.
      await child.reached(10);
      expect(await readOne(store, key('Feed', Number(child.lines[9])))).toBeDefined();
      await child.reached(20 + 7 * round);
      child.process.kill('SIGKILL');
      expect(await child.ended).toEqual({ code: null, signal: 'SIGKILL' });
      acknowledged = Number(child.lines.at(-1));
      const stored = await scanAll(store, FEEDS, 500);
      expect(stored.length).toBeGreaterThanOrEqual(acknowledged);
      expect(stored.map(numberOf)).toEqual(stored.map((_, i) => i + 1));
      expect(stored.length % 50, 'half of a transaction').toBe(0);
      await insert(store, key('Note', round));
    }
    const versions = new Set((await scanAll(store, FEEDS, 500)).map(({ version }) => version));
    expect(versions.size).toBe((await next(store)) - 1);
  });

  it('a commit that fails on a full disk is unknown, the next is refused, and nothing acknowledged is lost', async ({
    skip,
  }) => {
    if (process.platform === 'win32') skip();
    await store.close();
    const limited = 'trap "" XFSZ; ulimit -f 8000; exec "$@"';
    const child = run('sh', '-c', limited, 'sh', process.execPath, scriptPath('fillDisk.mjs'), path);
    expect(await child.ended).toEqual({ code: 0, signal: null });
    const answers = JSON.parse(child.lines[0]!);
    expect(answers).toMatchObject({ answer: 'unknown', next: 'store.closed', reads: true });
    store = lmdbStore({ path });
    const stored = await scanAll(store, FEEDS, 500);
    // The one whose answer is unknown may be there, and then it is whole.
    expect([answers.applied, answers.applied + 1]).toContain(stored.length);
    expect(new Set(stored.map(({ content }) => content.fingerprint)).size).toBe(1);
    await insert(store, key('Feed', 'after'));
  });
});

const scriptPath = (script: string): string => new URL(`./children/${script}`, import.meta.url).pathname;

function follow(child: ChildProcess): Child {
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout! });
  reader.on('line', (line) => lines.push(line));
  // All of its output has been read, then: what it acknowledged last counts too.
  const ended = Promise.all([once(child, 'exit'), once(reader, 'close')]).then(([[code, signal]]) => ({
    code,
    signal,
  }));
  const reached = async (count: number) => {
    while (lines.length < count) {
      const end = await Promise.race([once(reader, 'line'), ended]);
      if (!Array.isArray(end) && lines.length < count) throw new Error(`The child ended after ${lines.length} lines.`);
    }
  };
  return { process: child, lines, reached, ended };
}

async function next(store: Store): Promise<number> {
  return (await scanAll(store, FEEDS, 500)).length + 1;
}

async function increment(store: Store, at: ReturnType<typeof key>, times: number): Promise<void> {
  for (let done = 0; done < times; ) {
    const entity = (await readOne(store, at))!;
    const content = numbered(numberOf(entity)! + 1);
    const [outcome] = await store.commit([{ op: 'update', key: at, version: entity.version, content }]);
    if (outcome!.status === 'applied') done++;
  }
}
