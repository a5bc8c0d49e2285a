import { describe, expect, test } from 'vitest';
import { isRelative, meant, type Source, sourcesOf } from './sources.ts';

/** The floors of src/, the lowest first: each may import itself and what is below it. */
const FLOORS = [
  'record',
  'store',
  'dispatch',
  'define',
  'engine',
  'webhooks',
  'router',
  'admin',
  'testing',
  'page',
  'server',
  'cli',
];

/** It hands user modules our whole public interface, so that they share this process's one copy of it. */
const HANDS_OUT_EVERYTHING = 'src/define/load.ts';

const machines = sourcesOf('machines');
const src = sourcesOf('src');

const floorOf = (path: string) => FLOORS.indexOf(/^src\/([^/]+)\//.exec(path)?.[1] ?? '');
const importsOf = (source: Source) => source.imports.filter(isRelative).map((name) => meant(source, name));

test('there is something to check', () => {
  expect(machines.map(({ path }) => path)).toContain('machines/record.ts');
  expect(src.map(({ path }) => path)).toContain('src/engine/decide.ts');
  expect(src.flatMap(importsOf)).toContain('machines/record.ts');
});

describe('machines decide and do nothing else', () => {
  test.each(machines.map((source) => [source.path, source] as const))('%s', (_, source) => {
    for (const name of source.imports) {
      const allowed = name === 'xstate' || (isRelative(name) && meant(source, name).startsWith('machines/'));
      expect(allowed, `imports ${name}`).toBe(true);
    }
  });
});

test('one file runs the machines', () => {
  const running = src.filter(({ imports }) => imports.some((name) => name.split('/')[0] === 'xstate'));
  expect(running.map(({ path }) => path)).toEqual(['src/engine/decide.ts']);
});

test('one file is the source of time and chance', () => {
  const SEAM =
    /Date\.now|new Date\(\)|Math\.random|performance\.now|hrtime|\bsetTimeout|\bsetInterval|randomBytes|randomUUID|getRandomValues|timers\/promises/;
  const impure = [...src, ...machines].filter(({ code }) => SEAM.test(code));
  expect(impure.map(({ path }) => path)).toEqual(['src/clock.ts', 'src/page/clock.ts']);
});

test('the page takes types from the floors below it, and nothing that would come into a browser', () => {
  for (const { path, code } of src.filter(({ path }) => path.startsWith('src/page/'))) {
    const imports = [...code.matchAll(/^(import|export) (type )?[^;]*? from '([^']+)';/gm)];
    for (const [, , isType, name] of imports) {
      const isOwn = !isRelative(name!) || meant({ path } as Source, name!).startsWith('src/page/');
      const isPlain = meant({ path } as Source, name!) === 'src/limits.ts';
      expect(isOwn || isPlain || isType !== undefined, `${path} imports ${name}`).toBe(true);
    }
  }
});

test('nothing that runs elsewhere imports the page', () => {
  const importing = src.filter((source) => importsOf(source).some((path) => path.startsWith('src/page/')));
  for (const { path } of importing) expect(path).toMatch(/^src\/page\//);
});

test('no floor imports a higher one', () => {
  const climbing = src.flatMap((source) => {
    const own = floorOf(source.path);
    if (own < 0 || source.path === HANDS_OUT_EVERYTHING) return [];
    const higher = importsOf(source).filter((path) => path === 'src/index.ts' || floorOf(path) > own);
    return higher.map((path) => `${source.path} imports ${path}`);
  });
  expect(climbing).toEqual([]);
});

test('the roots of src/ import no floor, save the index', () => {
  const roots = src.filter(({ path }) => /^src\/[^/]+$/.test(path) && path !== 'src/index.ts');
  const leaning = roots.flatMap((source) => importsOf(source).filter((path) => floorOf(path) >= 0));
  expect(leaning).toEqual([]);
});

test('no store is known by name outside its folder, but to those who read its name from a configuration', () => {
  const naming = src.filter(
    ({ path, imports }) =>
      !path.startsWith('src/store/') && imports.some((name) => /\/store\/(datastore|lmdb|memory)/.test(name)),
  );
  // The simulator is one on the memory store.
  for (const { path } of naming) expect(path).toMatch(/^src\/(define\/(config|load)\.ts|testing\/.*)$/);
});
