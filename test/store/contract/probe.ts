import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { key } from '../../../src/record/key.ts';
import { probe } from '../../../src/store/probe.ts';
import type { Mutation, Store, Version } from '../../../src/store/store.ts';
import type { Open } from '../contract.ts';
import { contentOf, eachStore, insert, integer } from './steps.ts';

const PROBES = { namespace: '', kind: '_HandoverProbe' };

export function probeContract(name: string, open: Open): void {
  describe(`${name}: the probe`, () => {
    const the = eachStore(open);
    const leftovers = async () => (await the.store.scan(PROBES, 100)).entities.length;
    const refusal = (store: Store) => probe(store, systemClock).catch((error) => error);

    it('finds the store sound and leaves nothing behind', async () => {
      const { findings } = await probe(the.store, systemClock);
      expect(findings.filter(({ ok }) => !ok)).toEqual([]);
      expect(findings.map((finding) => finding.name)).toEqual(
        expect.arrayContaining(['insert.twice', 'update.stale', 'delete.stale', 'version.reused', 'batch.partial']),
      );
      expect(await leftovers()).toBe(0);
    });

    it('removes what a probe that died long ago left, and not what one that runs now has made', async () => {
      await insert(the.store, key('_HandoverProbe', 'old'), contentOf({ at: integer(0) }));
      await insert(the.store, key('_HandoverProbe', 'new'), contentOf({ at: integer(systemClock.now()) }));
      await probe(the.store, systemClock);
      expect(await leftovers()).toBe(1);
    });

    it('refuses a store that ignores versions', async () => {
      const error = await refusal(ignoresVersions(the.store));
      expect(error).toMatchObject({ code: 'store.unsafe' });
      const failed = error.facts.findings.filter(({ ok }: { ok: boolean }) => !ok);
      expect(failed.map((finding: { name: string }) => finding.name)).toEqual(
        expect.arrayContaining(['update.stale', 'delete.stale', 'update.missing', 'version.reused']),
      );
      expect(await leftovers()).toBe(0);
    });

    it('refuses a store that ignores "must not exist"', async () => {
      const error = await refusal(ignoresExistence(the.store));
      expect(error).toMatchObject({ code: 'store.unsafe' });
      expect(error.detail).toContain('insert');
    });

    it('refuses a store that applies half of a unit', async ({ skip }) => {
      if (the.store.capabilities.atomic === 'entity') skip();
      const error = await refusal(tearsUnits(the.store));
      expect(error).toMatchObject({ code: 'store.unsafe' });
      expect(error.detail).toContain('in part');
    });

    it('refuses a store whose snapshot is two reads', async ({ skip }) => {
      const { atomic, snapshotReads } = the.store.capabilities;
      if (atomic === 'entity' || !snapshotReads) skip();
      const error = await refusal(tearsSnapshots(the.store));
      expect(error).toMatchObject({ code: 'store.unsafe' });
      expect(error.detail).toContain('read of two keys');
    });

    it('refuses a store that ignores guards', async ({ skip }) => {
      if (!the.store.capabilities.guards) skip();
      const blind: Store = { ...the.store, commit: (mutations) => the.store.commit(mutations) };
      const error = await refusal(blind);
      expect(error).toMatchObject({ code: 'store.unsafe' });
      expect(error.detail).toContain('guard');
    });

    it('tells of a scan that misses an acknowledged write, and does not refuse the store for it', async ({ skip }) => {
      if (the.store.capabilities.scans !== 'strong') skip();
      const blind: Store = { ...the.store, scan: async () => ({ entities: [], more: false }) };
      const { findings } = await probe(blind, systemClock);
      expect(findings.filter(({ ok }) => !ok).map((finding) => finding.name)).toEqual(['scan.fresh']);
    });

    it('proves nothing when an answer is lost, and says so', async () => {
      const deaf: Store = {
        ...the.store,
        async commit(mutations) {
          await the.store.commit(mutations);
          return mutations.map(() => ({ status: 'unknown', cause: 'deadline' }));
        },
      };
      expect(await refusal(deaf)).toMatchObject({ code: 'store.unknown' });
      expect(await leftovers()).toBe(0);
    });
  });
}

/** As the emulator does whose default mode ignores compare-and-set. */
function ignoresVersions(store: Store): Store {
  const current = async (mutation: Mutation): Promise<Mutation> => {
    if (mutation.op === 'insert') return mutation;
    const [entity] = await store.read([mutation.key]);
    if (entity) return { ...mutation, version: entity.version };
    return mutation.op === 'update' ? { op: 'insert', key: mutation.key, content: mutation.content } : mutation;
  };
  return { ...store, commit: async (mutations) => store.commit(await Promise.all(mutations.map(current))) };
}

function ignoresExistence(store: Store): Store {
  const upsert = async (mutation: Mutation): Promise<Mutation> => {
    if (mutation.op !== 'insert') return mutation;
    const [entity] = await store.read([mutation.key]);
    return entity ? { ...mutation, op: 'update', version: entity.version } : mutation;
  };
  return { ...store, commit: async (mutations) => store.commit(await Promise.all(mutations.map(upsert))) };
}

function tearsUnits(store: Store): Store {
  return {
    ...store,
    async commitTogether(units) {
      const outcomes = await Promise.all(units.map((unit) => store.commit(unit)));
      return outcomes.map((unit) => {
        const versions = unit.flatMap((each): Version[] => (each.status === 'applied' ? [each.version] : []));
        return versions.length === unit.length ? { status: 'applied', versions } : { status: 'conflict' };
      });
    },
  };
}

/** Reads the first key before a commit, and the others after it. */
function tearsSnapshots(store: Store): Store {
  return {
    ...store,
    async readTogether(keys) {
      const early = await store.read(keys.slice(0, 1));
      await new Promise(setImmediate);
      return [...early, ...(await store.read(keys.slice(1)))];
    },
  };
}
