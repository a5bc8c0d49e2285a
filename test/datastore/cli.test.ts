import { expect, it, onTestFinished } from 'vitest';
import type { Finding } from '../../src/admin/doctor.ts';
import { key } from '../../src/record/key.ts';
import { datastoreStore } from '../../src/store/datastore/datastore.ts';
import { content, feedOf, Project } from '../cli/project.ts';
import { connectionTo, describeEachMode, hostOf, newProject, SHORT_MS } from '../emulators/each.ts';
import type { Mode } from '../emulators/emulator.ts';

const N = 100;

/** A project on an empty database of that emulator, with some records in it. */
async function projectOn(mode: Mode) {
  const projectId = newProject();
  const project = new Project({
    'handover.config.ts': `
        import { defineConfig } from 'handover';
        import { datastoreStore } from 'handover/store/datastore';
        export default defineConfig({
          store: () => datastoreStore({ projectId: '${projectId}', emulatorHost: '${hostOf(mode)}',
            deadlineMs: ${SHORT_MS} }),
        });`,
  });
  onTestFinished(() => project.dispose());
  const store = await datastoreStore(connectionTo(mode, projectId));
  await store.overwrite(
    Array.from({ length: N }, (_, i) => ({ key: key('Feed', i + 1), content: content(feedOf(i + 1)) })),
  );
  await store.close();
  return { project, projectId };
}

describeEachMode('datastore: the command line', (mode) => {
  it('doctor says what this database can do', async () => {
    const { project } = await projectOn(mode);
    const { code, data } = await project.json<{ problems: number; findings: Finding[] }>('doctor');
    expect([code, data.problems]).toEqual([0, 0]);
    const found = data.findings.map(({ what }) => what);
    expect(found).toEqual(
      expect.arrayContaining(['store datastore', 'commits', 'transactions', 'snapshots', 'scans', 'unit.torn']),
    );
  });
});

// What differs by mode the engine's own journeys go through in each: test/datastore/journey.test.ts.
describeEachMode(
  'datastore: the command line',
  (mode) => {
    it('a campaign goes there, back, there again, and is verified and stripped', async () => {
      const { project, projectId } = await projectOn(mode);
      const steps = [
        ['start', '--wait'],
        ['switch', '--wait'],
        ['reverse', '--share', '40', '--wait'],
        ['switch', '--wait'],
        ['complete', '--wait'],
        ['verify'],
      ];
      for (const step of steps) expect(await project.run(...step), step.join(' ')).toMatchObject({ code: 0 });
      const { out } = await project.run('verify');
      expect(out).toMatch(/= completed +100\n/);
      expect(await project.run('strip', '--wait')).toMatchObject({ code: 0 });
      const after = await datastoreStore(connectionTo(mode, projectId));
      const moved = await after.read(
        Array.from({ length: N }, (_, i) => key('User', feedOf(i + 1).user, 'Feed', i + 1)),
      );
      await after.close();
      expect(moved.map((entity) => [entity?.slot, entity?.content.fingerprint])).toEqual(
        moved.map((_, i) => [undefined, content(feedOf(i + 1)).fingerprint]),
      );
    });
  },
  ['firestoreMode'],
);
