import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AckLog, type Acknowledged, readAckLog } from '../../examples/feed-reader/lib/ackLog.ts';
import { expectedAt } from '../../examples/feed-reader/lib/expected.ts';
import { type Proof, prove } from '../../examples/feed-reader/lib/proof.ts';
import { contentAt, recordAt } from '../../examples/feed-reader/lib/records.ts';
import { longText, real, text, whole } from '../../examples/feed-reader/lib/values.ts';
import { Content } from '../../src/record/content.ts';
import { key } from '../../src/record/key.ts';
import type { Properties, Value } from '../../src/record/value.ts';
import { memoryStore } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/store.ts';

const RECORDS = 200;
const users = new Set(Array.from({ length: RECORDS }, (_, n) => recordAt(n).user)).size;
const manifest = { records: RECORDS, users, kinds: {}, dataset: '' };
/** It was acknowledged that record 7 was visited twice, and that note 9 was written anew. */
const acknowledged: Acknowledged = {
  last: new Map([
    [7, { visits: 2, token: 'b' }],
    [9, { visits: 1, token: 'c', text: 'New, with a space' }],
  ]),
  writes: 3,
  irregular: 0,
};

/** A store as a faultless campaign leaves it. */
async function arrived(): Promise<Store> {
  const store = memoryStore();
  const puts = Array.from({ length: RECORDS }, (_, n) => put(n));
  await store.overwrite(puts);
  return store;
}

const put = (n: number, content: Properties = expectedAt(n, acknowledged.last.get(n))) => ({
  key: recordAt(n).into,
  content: Content.of(content),
});

const changed = (n: number, name: string, value: Value) =>
  put(n, new Map([...expectedAt(n, acknowledged.last.get(n)), [name, value]]));

interface Case {
  readonly hazard: string;
  tamper(store: Store): Promise<void>;
  readonly finds: Partial<Proof>;
}

// Records 0 and 5 are feeds, 1 is an article, 4 is a note, and 7 is the one that was written to.
const CASES: readonly Case[] = [
  {
    hazard: 'a record is gone',
    tamper: (store) => store.overwrite([], [recordAt(5).into]),
    finds: { gaps: 1, arrived: RECORDS - 1 },
  },
  {
    hazard: 'a record also stands in the old home',
    tamper: (store) => store.overwrite([{ key: recordAt(5).from, content: Content.of(contentAt(5)) }]),
    finds: { duplicates: 1, arrived: RECORDS - 1 },
  },
  {
    hazard: 'a record was left in the old home',
    tamper: (store) =>
      store.overwrite([{ key: recordAt(5).from, content: Content.of(contentAt(5)) }], [recordAt(5).into]),
    finds: { behind: 1, gaps: 0, duplicates: 0 },
  },
  {
    hazard: 'a record stands below two users',
    tamper: (store) => store.overwrite([{ ...put(0), key: key('User', 'ZZ-9', 'Feed', recordAt(0).from.id) }]),
    finds: { duplicates: 1 },
  },
  {
    hazard: 'a record stands below another user',
    tamper: (store) =>
      store.overwrite([{ ...put(0), key: key('User', 'ZZ-9', 'Feed', recordAt(0).from.id) }], [recordAt(0).into]),
    finds: { misplaced: 1, gaps: 0 },
  },
  {
    hazard: 'a record that nobody seeded',
    tamper: (store) => store.overwrite([{ ...put(0), key: key('User', recordAt(0).user, 'Feed', 1) }]),
    finds: { strangers: 1, arrived: RECORDS },
  },
  {
    hazard: 'a letter was changed',
    tamper: (store) => store.overwrite([changed(5, 'title', text('Villa: local news'))]),
    finds: { altered: 1 },
  },
  {
    hazard: 'a whole double became an integer',
    tamper: async (store) => {
      expect(expectedAt(50, undefined).get('rating')).toEqual(real(0));
      await store.overwrite([changed(50, 'rating', whole(0))]);
    },
    finds: { altered: 1 },
  },
  {
    hazard: 'a long text came into the indexes',
    tamper: async (store) => {
      const body = expectedAt(1, undefined).get('body') as Value & { type: 'string' };
      expect(body).toEqual(longText(body.value));
      await store.overwrite([changed(1, 'body', text(body.value))]);
    },
    finds: { altered: 1 },
  },
  {
    hazard: 'a property too many',
    tamper: (store) => store.overwrite([changed(4, 'extra', whole(1))]),
    finds: { altered: 1 },
  },
  {
    hazard: 'the old shape in the new home',
    tamper: (store) => store.overwrite([put(5, contentAt(5))]),
    finds: { altered: 1 },
  },
  {
    hazard: 'an acknowledged write is lost',
    tamper: (store) => store.overwrite([put(7, expectedAt(7, { visits: 1, token: 'a' }))]),
    finds: { writesFound: 2, acknowledgedWrites: 3, altered: 1 },
  },
  {
    hazard: 'a write was applied twice',
    tamper: (store) => store.overwrite([put(7, expectedAt(7, { visits: 3, token: 'b' }))]),
    finds: { writesInvented: 1, writesFound: 3, altered: 1 },
  },
  {
    hazard: 'the new text of a note is lost',
    tamper: (store) => store.overwrite([put(9, expectedAt(9, { visits: 1, token: 'c' }))]),
    finds: { altered: 1, writesFound: 3 },
  },
  {
    hazard: 'two writes changed places',
    tamper: (store) => store.overwrite([put(7, expectedAt(7, { visits: 2, token: 'a' }))]),
    finds: { altered: 1, writesFound: 3 },
  },
];

describe('the proof', () => {
  it('holds for what must have arrived', async () => {
    expect(await prove(await arrived(), manifest, acknowledged)).toMatchObject({
      holds: true,
      arrived: RECORDS,
      duplicates: 0,
      gaps: 0,
      writesFound: 3,
      samples: [],
    });
  });

  it.each(CASES)('fails when $hazard', async ({ tamper, finds }) => {
    const store = await arrived();
    await tamper(store);
    const proof = await prove(store, manifest, acknowledged);
    expect(proof).toMatchObject({ holds: false, ...finds });
    expect(proof.samples.length).toBeGreaterThan(0);
  });
});

describe('the log of acknowledged writes', () => {
  it('is read back, without a line that was cut off, and says where it is not in order', () => {
    const folder = mkdtempSync(join(tmpdir(), 'handover-test-log-'));
    const path = join(folder, 'log');
    expect(readAckLog(path)).toEqual({ last: new Map(), writes: 0, irregular: 0 });
    const log = new AckLog(path);
    log.append(3, { visits: 1, token: 'a' });
    log.append(4, { visits: 1, token: 'b' });
    log.append(3, { visits: 2, token: 'c', text: 'New, with a space' });
    log.close();
    writeFileSync(path, '3 3 d \n3 5 e \n4 2', { flag: 'a' });
    const last = new Map([
      [3, { visits: 5, token: 'e', text: 'New, with a space' }],
      [4, { visits: 1, token: 'b' }],
    ]);
    expect(readAckLog(path)).toEqual({ last, writes: 5, irregular: 1 });
    rmSync(folder, { recursive: true });
  });
});
