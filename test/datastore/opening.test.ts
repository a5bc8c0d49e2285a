import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { key } from '../../src/record/key.ts';
import { type Connection, connect } from '../../src/store/datastore/client.ts';
import { datastoreStore } from '../../src/store/datastore/datastore.ts';
import { probe } from '../../src/store/datastore/probe.ts';
import type { WireMutation } from '../../src/store/datastore/wire.ts';
import { connectionTo, describeEachMode, hostOf, newProject, openStore } from '../emulators/each.ts';
import { insert, numbered, numberOf, readOne } from '../store/contract/steps.ts';

const DIST = resolve(import.meta.dirname, '../../dist');
const PROBES = { namespace: '', kind: '_HandoverProbe' };

describeEachMode('datastore: what opening finds', (mode) => {
  it('declares what this mode can do', async () => {
    const store = await openStore(mode);
    const legacy = mode === 'legacy';
    expect(store.capabilities).toMatchObject({
      name: 'datastore',
      atomic: 'any',
      snapshotReads: true,
      maxTogether: legacy ? 25 : 500,
      scans: legacy ? 'eventual' : 'strong',
      snapshotScans: mode === 'firestore',
      finds: 'indexed',
    });
    const facts = Object.fromEntries(store.facts!.map(({ what, meaning }) => [what, meaning]));
    expect(facts['commits']).toMatch(mode === 'firestore' ? /transactions only/ : /Each mutation/);
    expect(facts['transactions']).toMatch(legacy ? /span 25 entity groups/ : /any number/);
    expect('arrays' in facts).toBe(mode !== 'firestore');
    await store.close();
  });

  it('leaves nothing behind', async () => {
    const projectId = newProject();
    const store = await datastoreStore(connectionTo(mode, projectId));
    // By ancestor or by key a look is never stale, and by kind it is.
    const { entities } = await store.scan(PROBES, 500);
    const there = await store.read(entities.map((entity) => entity.key));
    expect(there.filter(Boolean)).toEqual([]);
    await store.close();
  });

  it('read-only: writes nothing, not even to find out, and refuses every write', async () => {
    const projectId = newProject();
    const reader = await datastoreStore({ ...connectionTo(mode, projectId), readOnly: true });
    expect((await reader.scan(PROBES, 10)).entities).toEqual([]);
    const writer = await datastoreStore(connectionTo(mode, projectId));
    await insert(writer, key('Feed', 1), numbered(4));
    expect(numberOf(await readOne(reader, key('Feed', 1)))).toBe(4);
    const refused = { code: 'store.readOnly' };
    await expect(reader.commit([{ op: 'insert', key: key('Feed', 2), content: numbered(1) }])).rejects.toMatchObject(
      refused,
    );
    await expect(reader.commitTogether([])).rejects.toMatchObject(refused);
    await expect(reader.overwrite([])).rejects.toMatchObject(refused);
    await Promise.all([reader.close(), writer.close()]);
  });

  it('says nothing on its own, without credentials too', () => {
    const program = `
      import { datastoreStore } from ${JSON.stringify(join(DIST, 'src/store/datastore/datastore.js'))};
      import { key } from ${JSON.stringify(join(DIST, 'src/record/key.js'))};
      const store = await datastoreStore({ projectId: ${JSON.stringify(newProject())} });
      await store.read([key('Feed', 1)]);
      await store.close();
      console.log('done');`;
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], HOME: '/nonexistent', DATASTORE_EMULATOR_HOST: hostOf(mode) },
    });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: 'done\n', stderr: '' });
  });
});

/** The connection with every commit changed on its way; as servers do that ignore what they were told. */
const changed = (
  connection: Connection,
  change: (mutation: WireMutation) => WireMutation,
  where = /./,
): Connection => ({
  ...connection,
  commit: (request) =>
    connection.commit(where.test(request.mode) ? { ...request, mutations: request.mutations.map(change) } : request),
});

const ignoresVersions = ({ baseVersion: _, conflictResolutionStrategy: __, ...mutation }: WireMutation): WireMutation =>
  mutation;
const ignoresEverything = (mutation: WireMutation): WireMutation => {
  const { insert: entity, ...rest } = ignoresVersions(mutation);
  return entity ? { upsert: entity } : rest;
};

describeEachMode('datastore: the probe', (mode) => {
  const probed = async (change: (connection: Connection) => Connection) => {
    const connection = await connect(connectionTo(mode), systemClock);
    try {
      return await probe(change(connection), systemClock);
    } finally {
      await connection.close();
    }
  };

  it('refuses a database that ignores versions everywhere', async () => {
    for (const change of [ignoresVersions, ignoresEverything]) {
      await expect(probed((connection) => changed(connection, change))).rejects.toMatchObject({ code: 'store.unsafe' });
    }
  });

  it('takes the other way where one of them is ignored', async () => {
    const outside = await probed((connection) => changed(connection, ignoresVersions, /^NON_/));
    expect(outside).toMatchObject({ commitsEach: false });
    expect(outside.groups).toBeGreaterThan(1);
    const inside = probed((connection) => changed(connection, ignoresVersions, /^TRANS/));
    if (mode === 'firestore') await expect(inside).rejects.toMatchObject({ code: 'store.unsafe' });
    else expect(await inside).toMatchObject({ commitsEach: true, groups: 0 });
  });

  it('is not taken in by a condition that is checked before the write and not with it', async () => {
    const racy = (connection: Connection): Connection => ({
      ...connection,
      async commit(request) {
        // All rivals have looked when the first one writes.
        if (request.mutations.length !== 1) return connection.commit(request);
        const [mutation] = request.mutations;
        const at = mutation!.upsert?.key ?? mutation!.insert?.key ?? mutation!.delete!;
        const { found } = await connection.lookup({ keys: [at] });
        const stale = mutation!.baseVersion !== undefined && (found[0]?.version ?? '0') !== mutation!.baseVersion;
        if (stale || mutation!.insert) return connection.commit(request);
        return connection.commit({ ...request, mutations: [ignoresVersions(mutation!)] });
      },
    });
    await expect(probed(racy)).rejects.toMatchObject({ code: 'store.unsafe' });
  });
});

describe('datastore: what cannot be opened', () => {
  it('an emulator that is not there: says so after a few attempts, and where it looked', async () => {
    const opening = datastoreStore({ projectId: 'nobody', emulatorHost: '127.0.0.1:1', deadlineMs: 300 });
    await expect(opening).rejects.toMatchObject({
      code: 'store.unavailable',
      detail: expect.stringContaining('127.0.0.1:1'),
    });
  });

  it('an emulator without a project', () => {
    const answer = inChild(DIST, 'await datastoreStore({ emulatorHost: "127.0.0.1:1" })');
    expect(answer).toContain('config.invalid: An emulator was named');
  });

  it('a machine without the client library: says what to install', () => {
    const folder = mkdtempSync(join(tmpdir(), 'handover-datastore-'));
    try {
      cpSync(join(DIST, 'src'), join(folder, 'src'), { recursive: true });
      writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
      const answer = inChild(folder, 'await datastoreStore({ projectId: "any", emulatorHost: "127.0.0.1:1" })');
      expect(answer).toMatch(/^store\.driver: @google-cloud\/datastore 10 or 11 cannot be loaded: .* Install it/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

/** What it throws, in a process of its own with nothing in its environment. */
function inChild(dist: string, code: string): string {
  const program = `
    import { datastoreStore } from ${JSON.stringify(join(dist, 'src/store/datastore/datastore.js'))};
    try { ${code}; console.log('no error'); } catch (error) { console.log(error.message); }`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], HOME: '/nonexistent' },
  });
  return stdout + stderr;
}
