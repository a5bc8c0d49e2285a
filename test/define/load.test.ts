import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/define/load.ts';
import { HandoverError } from '../../src/errors.ts';
import { Content } from '../../src/record/content.ts';
import { Key, key } from '../../src/record/key.ts';
import { fromPlain } from '../../src/record/plain.ts';
import { CONFIG, FEEDS, Project, REPOSITORY } from '../cli/project.ts';

let project: Project;
afterEach(() => project?.dispose());

async function refusal(files: Readonly<Record<string, string>>, path?: string): Promise<string> {
  project = new Project(files);
  try {
    await loadConfig(path, project.folder);
  } catch (error) {
    if (error instanceof HandoverError) return `${error.code}: ${error.detail}`;
    throw error;
  }
  return 'accepted';
}

const named = (name: string, more = '') => FEEDS.replace("name: 'feeds'", `name: '${name}'${more}`);

describe('a project', () => {
  it('is TypeScript that needs no build step', async () => {
    project = new Project();
    const loaded = await loadConfig(undefined, project.folder);
    expect(loaded.file).toBe(join(project.folder, 'handover.config.ts'));
    expect(loaded.migrations.map(({ name, version }) => [name, version])).toEqual([['feeds', 1]]);
  });

  it('shares the modules of the process that loads it', async () => {
    project = new Project();
    const { migrations, config } = await loadConfig(undefined, project.folder);
    const content = Content.of(fromPlain({ user: 'ann', title: 'x' }));
    const target = migrations[0]!.records[0]!.targetOf(key('Feed', 7), content);
    expect(target).toBeInstanceOf(Key);
    expect(target.equals(key('User', 'ann', 'Feed', 7))).toBe(true);
    const store = await config.store();
    await store.overwrite([{ key: target, content }]);
    const [entity] = await store.read([target]);
    expect(entity!.key).toBeInstanceOf(Key);
    await store.close();
  });

  it('may be one inside this repository', async () => {
    const { migrations } = await loadConfig('examples/feed-reader/handover.config.ts', REPOSITORY);
    expect(migrations.length).toBeGreaterThan(0);
  });

  it('may be JavaScript, may have its configuration elsewhere, and several migrations in one module', async () => {
    project = new Project({
      'etc/handover.config.mjs': "export default { store: () => undefined, migrations: '../lib/migrations' };",
      'lib/migrations/all.ts': `${FEEDS.replace('export default', 'const feeds =')}
        const later = defineMigration({ name: 'later', version: 3, after: ['feeds'], records: feeds.records });
        export default [later, feeds];`,
    });
    const { migrations, file } = await loadConfig('etc/handover.config.mjs', project.folder);
    expect(file).toBe(join(project.folder, 'etc/handover.config.mjs'));
    expect(migrations.map(({ name }) => name)).toEqual(['feeds', 'later']);
  });

  it('lists the newest version of a migration first', async () => {
    project = new Project({ 'migrations/feeds-2.ts': FEEDS.replace('version: 1', 'version: 2') });
    const { migrations } = await loadConfig(undefined, project.folder);
    expect(migrations.map(({ version }) => version)).toEqual([2, 1]);
  });

  it('may share helpers among its modules, and keep declarations, tests and notes beside them', async () => {
    project = new Project({
      'lib/keys.ts':
        "import { key, type Key } from 'handover';\nexport const under = (user: string, old: Key) => key('User', user, 'Feed', old.id);",
      'migrations/feeds.ts': FEEDS.replace("key('User', feed.user, 'Feed', old.id)", 'under(feed.user, old)').replace(
        "import { defineMigration, entity, key } from 'handover';",
        "import { defineMigration, entity } from 'handover';\nimport { under } from '../lib/keys.ts';",
      ),
      'migrations/types.d.ts': 'export interface Nothing {}',
      'migrations/feeds.test.ts': "throw new Error('a test is no migration');",
      'migrations/README.md': 'notes',
    });
    const { migrations } = await loadConfig(undefined, project.folder);
    const content = Content.of(fromPlain({ user: 'ann', title: 'x' }));
    expect(migrations[0]!.records[0]!.targetOf(key('Feed', 7), content)).toBeInstanceOf(Key);
  });

  it('has one fingerprint, however often it is loaded', async () => {
    project = new Project();
    const first = await loadConfig(undefined, project.folder);
    const other = new Project();
    const second = await loadConfig(undefined, other.folder);
    other.dispose();
    expect(second.migrations[0]!.fingerprint).toBe(first.migrations[0]!.fingerprint);
  });
});

describe('a project that does not load', () => {
  it('has no configuration', async () => {
    project = new Project();
    project.remove('handover.config.ts');
    await expect(loadConfig(undefined, project.folder)).rejects.toMatchObject({
      code: 'config.missing',
      detail: `Looked in ${project.folder}.`,
    });
    await expect(loadConfig('there.ts', project.folder)).rejects.toMatchObject({
      code: 'config.missing',
      detail: `There is no file ${join(project.folder, 'there.ts')}.`,
    });
  });

  it.each<[string, Record<string, string>, string]>([
    [
      'unknown option',
      { 'handover.config.ts': CONFIG.replace('({ store', "({ colour: 'red', store") },
      'config.invalid: handover.config.ts:5: there is no option "colour".',
    ],
    [
      'unknown option without defineConfig',
      { 'handover.config.ts': 'export default { colour: 1, store() {} };' },
      'config.invalid: handover.config.ts: there is no option "colour".',
    ],
    [
      'no default export',
      { 'handover.config.ts': 'export const config = 1;' },
      'config.invalid: handover.config.ts has no default export: write export default defineConfig({…}).',
    ],
    [
      'a folder that is not there',
      { 'handover.config.ts': CONFIG.replace('({ store', "({ migrations: 'nowhere', store") },
      'config.invalid: The migrations folder nowhere cannot be read.',
    ],
    [
      'a syntax error',
      { 'migrations/feeds.ts': FEEDS.replace('version: 1', 'version: ;') },
      'definition.invalid: migrations/feeds.ts:11: Unexpected token.',
    ],
    [
      'a syntax error in what it imports',
      { 'lib/keys.ts': '\n\nexport const = 1;', 'migrations/feeds.ts': `import '../lib/keys.ts';\n${FEEDS}` },
      'definition.invalid: lib/keys.ts:3: Unexpected token.',
    ],
    [
      'a module that throws',
      { 'migrations/feeds.ts': `${FEEDS}\nthrow new Error('the feeds are out');` },
      'definition.invalid: migrations/feeds.ts:17: the feeds are out.',
    ],
    [
      'a module that throws something else',
      { 'migrations/feeds.ts': "throw 'nothing';" },
      'definition.invalid: migrations/feeds.ts: nothing.',
    ],
    [
      'a definition that is refused',
      { 'migrations/feeds.ts': FEEDS.replace('version: 1', 'version: 0') },
      'definition.invalid: migrations/feeds.ts:9: Migration "feeds": the version must be 1, 2, 3 ….',
    ],
    [
      'an import that is not there',
      { 'migrations/feeds.ts': `import 'left-pad';\n${FEEDS}` },
      "definition.invalid: migrations/feeds.ts:1: Cannot find module 'left-pad'.",
    ],
    [
      'a module without a migration',
      { 'migrations/feeds.ts': 'export const feeds = 1;' },
      'definition.invalid: migrations/feeds.ts has no migration as its default export: write export default defineMigration({…}).',
    ],
    [
      'a module with something else',
      { 'migrations/feeds.ts': "export default [{ name: 'feeds' }];" },
      'definition.invalid: migrations/feeds.ts has no migration as its default export: write export default defineMigration({…}).',
    ],
    [
      'two of one name and version',
      { 'migrations/again.ts': FEEDS },
      'definition.invalid: Migration feeds version 1 is defined in migrations/again.ts and in migrations/feeds.ts.',
    ],
    [
      'a missing dependency',
      { 'migrations/feeds.ts': named('feeds', ", after: ['users']") },
      'definition.dependency: migrations/feeds.ts: feeds comes after users, unknown here.',
    ],
    [
      'two heads',
      { 'migrations/b.ts': named('b', ", after: ['feeds']"), 'migrations/c.ts': named('c', ", after: ['feeds']") },
      'definition.heads: Nothing comes after b, nor after c.',
    ],
    [
      'a circle',
      { 'migrations/feeds.ts': named('feeds', ", after: ['b']"), 'migrations/b.ts': named('b', ", after: ['feeds']") },
      'definition.invalid: Migrations wait for each other in a circle: b after feeds after b.',
    ],
  ])('has %s', async (_case, files, message) => {
    expect(await refusal(files)).toBe(message);
  });
});
