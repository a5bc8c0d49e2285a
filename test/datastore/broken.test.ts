import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { Content } from '../../src/record/content.ts';
import { type Key, key } from '../../src/record/key.ts';
import { type Connection, connect } from '../../src/store/datastore/client.ts';
import { committerOf } from '../../src/store/datastore/commits.ts';
import { keyToWire } from '../../src/store/datastore/keys.ts';
import { read, readTogether } from '../../src/store/datastore/lookups.ts';
import type { CommitRequest, LookupRequest, LookupResponse } from '../../src/store/datastore/wire.ts';
import type { Mutation } from '../../src/store/store.ts';
import { connectionTo, describeEachMode } from '../emulators/each.ts';
import { numbered, numberOf, texts } from '../store/contract/steps.ts';

const BEHAVIOUR = {
  commitsEach: true,
  groups: 25,
  together: 25,
  scans: 'strong',
  moments: true,
  keepsMixedArrays: true,
} as const;
const clock = { ...systemClock, sleep: async () => {} };
const failure = (code: number, details: string) => Object.assign(new Error(details), { code, details });
const keysOf = (count: number): Key[] => Array.from({ length: count }, (_, i) => key('Feed', i + 1));
const inserts = (keys: readonly Key[]): Mutation[] =>
  keys.map((each, i) => ({ op: 'insert', key: each, content: numbered(i) }));

/** A database whose commits go wrong as told, the first one first. */
async function broken(base: Connection, ...troubles: ((request: CommitRequest) => Promise<void>)[]) {
  const sent: number[] = [];
  const connection = {
    ...base,
    keepsMixedArrays: true,
    async commit(request: CommitRequest) {
      sent.push(request.mutations.length);
      await troubles.shift()?.(request);
      return base.commit(request);
    },
  };
  return { connection, sent };
}

describeEachMode(
  'datastore: a commit that breaks in the middle',
  (mode) => {
    const withConnection = async (use: (base: Connection) => Promise<void>) => {
      const base = await connect(connectionTo(mode), systemClock);
      try {
        await use(base);
      } finally {
        await base.close();
      }
    };

    it('is gone on with where nothing changed, and is unknown where something did', () =>
      withConnection(async (base) => {
        const { connection, sent } = await broken(base, async (request) => {
          await base.commit({ mode: 'NON_TRANSACTIONAL', mutations: request.mutations.slice(0, 2) });
          throw failure(10, 'too much contention');
        });
        const { commit } = committerOf(connection, BEHAVIOUR, clock);
        const outcomes = await commit(inserts(keysOf(5)));
        expect(outcomes.map(({ status }) => status)).toEqual(['unknown', 'unknown', 'applied', 'applied', 'applied']);
        expect(sent).toEqual([5, 3]);
        expect((await read(base, keysOf(5))).map(numberOf)).toEqual([0, 1, 2, 3, 4]);
      }));

    it('of an error that does not say whether it was carried out, nothing is sent again', () =>
      withConnection(async (base) => {
        for (const code of [1, 2, 4, 13, 14]) {
          const { connection, sent } = await broken(base, async () => {
            throw failure(code, 'lost');
          });
          const { commit } = committerOf(connection, BEHAVIOUR, clock);
          expect((await commit(inserts(keysOf(2)))).map(({ status }) => status)).toEqual(['unknown', 'unknown']);
          expect(sent).toEqual([2]);
          const again = await broken(base, async () => {
            throw failure(code, 'lost');
          });
          const together = committerOf(again.connection, BEHAVIOUR, clock).commitTogether;
          expect(await together([inserts(keysOf(2))])).toMatchObject([{ status: 'unknown', cause: 'lost.' }]);
          expect(again.sent).toEqual([2]);
        }
      }));

    it('contention does not end a transaction for good, and at last is unknown, never a conflict', () =>
      withConnection(async (base) => {
        const aborted = async () => {
          throw failure(10, 'aborted');
        };
        const once = await broken(base, aborted);
        const units = inserts(keysOf(4)).map((each) => [each]);
        const won = await committerOf(once.connection, BEHAVIOUR, clock).commitTogether(units);
        expect(won.map(({ status }) => status)).toEqual(['applied', 'applied', 'applied', 'applied']);
        const always = await broken(base, ...Array.from({ length: 99 }, () => aborted));
        const fresh = inserts([key('Other', 1)]).map((each) => [each]);
        expect(await committerOf(always.connection, BEHAVIOUR, clock).commitTogether(fresh)).toMatchObject([
          { status: 'busy', why: 'contention', cause: 'aborted.' },
        ]);
        expect(always.sent).toHaveLength(5);
        const full = await broken(base, async () => {
          throw failure(8, 'no more');
        });
        const both = inserts(keysOf(2).map((_, i) => key('Full', i + 1))).map((each) => [each]);
        expect(await committerOf(full.connection, BEHAVIOUR, clock).commitTogether(both)).toMatchObject([
          { status: 'busy', why: 'exhausted' },
          { status: 'busy', why: 'exhausted' },
        ]);
        expect(full.sent).toHaveLength(1);
      }));

    it('an operator’s trouble is thrown, with a way out', () =>
      withConnection(async (base) => {
        for (const [code, error] of [
          [7, 'store.denied'],
          [16, 'store.denied'],
          [5, 'store.missing'],
          [12, 'store.rejected'],
        ] as const) {
          const { connection } = await broken(base, async () => {
            throw failure(code, 'no');
          });
          const { commit } = committerOf(connection, BEHAVIOUR, clock);
          await expect(commit(inserts(keysOf(1)))).rejects.toMatchObject({ code: error });
        }
      }));
  },
  ['firestoreMode'],
);

describe('datastore: look-ups in several answers', () => {
  const database = { projectId: 'p', databaseId: '', forms: new WeakMap<Content, never>() };
  const wire = (id: number) => keyToWire(database, key('Feed', id));
  const found = (id: number) => ({ version: '1', entity: { key: wire(id), properties: {} } });
  const server = (isEmulator: boolean, answers: (Partial<LookupResponse> | Error)[]) => {
    const asked: LookupRequest[] = [];
    const ended: string[] = [];
    let begun = 0;
    const lookup = async (request: LookupRequest): Promise<LookupResponse> => {
      asked.push(request);
      const answer = answers.shift()!;
      if (answer instanceof Error) throw answer;
      return { found: [], deferred: [], transaction: Buffer.alloc(0), ...answer };
    };
    const connection = {
      ...database,
      isEmulator,
      lookup,
      repeat: async <T>(steps: (each: typeof lookup) => Promise<T>) => steps(lookup).catch(() => steps(lookup)),
      beginReadOnly: async () => Buffer.from(`t${++begun}`),
      rollback: async (transaction: Uint8Array) => {
        ended.push(String(transaction));
      },
    } as unknown as Connection;
    const options = () =>
      asked.map(({ readOptions }) =>
        JSON.stringify(
          readOptions && {
            ...readOptions,
            ...('transaction' in readOptions ? { transaction: String(readOptions.transaction) } : {}),
          },
        ),
      );
    return { connection, asked, ended, options };
  };
  const keys = [1, 2, 3].map((id) => key('Feed', id));

  it('what was put off is asked again', async () => {
    const { connection, asked } = server(false, [
      { found: [found(3)], deferred: [wire(1), wire(2)] },
      { found: [found(1)] },
    ]);
    const entities = await read(connection, [...keys, keys[0]!]);
    expect(entities.map((entity) => entity?.key.toString())).toEqual(['Feed:1', undefined, 'Feed:3', 'Feed:1']);
    expect(asked.map((request) => request.keys.length)).toEqual([3, 2]);
  });

  it('and in the same snapshot', async () => {
    const { connection, options } = server(false, [
      { found: [found(1)], deferred: [wire(2), wire(3)], transaction: Buffer.from('t') },
      { found: [found(2), found(3)] },
    ]);
    expect(texts((await readTogether(connection, keys)).filter((entity) => entity !== undefined))).toHaveLength(3);
    expect(options()).toEqual(['{"newTransaction":{"readOnly":{}}}', '{"transaction":"t"}']);
  });

  it('a snapshot that was aborted is begun anew, and each one that was begun on its own is ended', async () => {
    const { connection, options, ended } = server(true, [
      failure(10, 'aborted'),
      { found: [found(1), found(2), found(3)] },
    ]);
    expect(await readTogether(connection, keys)).toHaveLength(3);
    expect(options()).toEqual(['{"transaction":"t1"}', '{"transaction":"t2"}']);
    expect(ended).toEqual(['t1', 't2']);
  });
});
