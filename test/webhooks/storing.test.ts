import { rmSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { lmdbStore } from '../../src/store/lmdb.ts';
import { type Fault, memoryStore } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/store.ts';
import { Inbox } from '../../src/webhooks/inbox.ts';
import { tempDir } from '../store/dirs.ts';
import { made, onlyCommit, put } from './inboxes.ts';
import { applied, listed, testClock } from './world.ts';

describe('storing', () => {
  const FAULTS: readonly (readonly [string, Fault])[] = [
    ['the answer is lost', { kind: 'lost' }],
    ['the request is lost', { kind: 'lost', applied: false }],
    ['the store is busy', { kind: 'busy', why: 'contention' }],
    ['one of three loses, although it is new', { kind: 'conflict', index: 1 }],
    ['one of three finds the store busy', { kind: 'busy', why: 'exhausted', indexes: [2] }],
  ];

  test.each(FAULTS)('%s: it looks, and all is stored once', async (_, fault) => {
    const { inbox } = made({ store: memoryStore({ fault: onlyCommit(0, fault) }) });
    expect(await put(inbox, 'a', 'b', 'c')).toEqual({ status: 'stored' });
    expect(await put(inbox, 'a', 'b', 'c')).toEqual({ status: 'duplicate' });
    expect((await applied(inbox)).sort()).toEqual(['a', 'b', 'c']);
  });

  test('a duplicate whose answer is lost is a duplicate', async () => {
    const { inbox } = made({ store: memoryStore({ fault: onlyCommit(1, { kind: 'lost' }) }) });
    await put(inbox, 'a');
    expect(await put(inbox, 'a')).toEqual({ status: 'duplicate' });
  });

  test('a store that says nothing for long is unsure, and the repetition stores what is missing', async () => {
    let away = true;
    const store = memoryStore({
      fault: ({ op }) =>
        away && op === 'read' ? { kind: 'lost' } : away && op === 'commit' ? { kind: 'lost' } : undefined,
    });
    const { inbox } = made({ store });
    expect(await put(inbox, 'a', 'b')).toMatchObject({ status: 'unsure' });
    away = false;
    expect(await put(inbox, 'a', 'b', 'c')).toEqual({ status: 'stored' });
    expect((await applied(inbox)).sort()).toEqual(['a', 'b', 'c']);
  });

  test('one that is too large for the store refuses all of its request, and nothing of it is stored', async () => {
    const { inbox } = made({ store: memoryStore({ capabilities: { maxEntityBytes: 2_000 } }) });
    expect(await put(inbox, 'a', 'b'.repeat(2_000))).toMatchObject({ status: 'tooLarge' });
    expect(await listed(inbox)).toEqual([]);
  });

  test('more than a commit takes go in several', async () => {
    const { inbox } = made({ store: memoryStore({ capabilities: { maxMutations: 7 } }) });
    const names = Array.from({ length: 20 }, (_, i) => `d${i}`);
    expect(await put(inbox, ...names, ...names)).toEqual({ status: 'stored' });
    expect((await applied(inbox)).sort()).toEqual([...names].sort());
  });
});

describe('on LMDB', () => {
  const open = (path: string): Store =>
    lmdbStore({ path, indexes: [{ kind: '_HandoverDelivery', property: 'status' }] });

  test('what was stored is there after the process is started anew, and found by its index', async () => {
    const path = tempDir();
    onTestFinished(() => rmSync(path, { recursive: true }));
    const clock = testClock();
    const first = open(path);
    await put(new Inbox({ store: first, clock }), 'a', 'b');
    await first.close();
    const store = open(path);
    onTestFinished(() => store.close());
    expect(store.capabilities.finds).toBe('indexed');
    const inbox = new Inbox({ store, clock });
    expect(await put(inbox, 'b', 'c')).toEqual({ status: 'stored' });
    expect((await applied(inbox)).sort()).toEqual(['a', 'b', 'c']);
    clock.advance(36 * 86_400_000);
    expect(await inbox.sweep()).toBe(3);
    expect(await listed(inbox)).toEqual([]);
  });
});
