import { accessSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isRelative, ROOT, sourcesOf } from './sources.ts';

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const entries = Object.entries<{ types: string; default: string }>(manifest.exports).filter(
  ([name]) => name !== './package.json',
);
const sourceOf = (built: string) => built.replace('./dist/', '').replace(/(\.d\.ts|\.js)$/, '.ts');

describe('every subpath of the package has a source', () => {
  test.each(entries)('%s', (_, { types, default: code }) => {
    expect(sourceOf(types)).toBe(sourceOf(code));
    expect(existsSync(join(ROOT, sourceOf(code))), sourceOf(code)).toBe(true);
  });

  test('and so has the command', () => {
    const main = readFileSync(join(ROOT, sourceOf(manifest.bin.handover)), 'utf8');
    expect(main).toMatch(/^#!\/usr\/bin\/env (-S )?node( --[\w-]+(=\d+)?)*\n/);
  });
});

test('the examples know the package by its public names only', () => {
  const names = entries.map(([name]) => name.replace(/^\./, 'handover'));
  for (const { path, imports } of sourcesOf('examples')) {
    for (const name of imports) {
      if (name === 'handover' || name.startsWith('handover/')) expect(names, path).toContain(name);
      if (isRelative(name)) expect(join(dirname(path), name), path).toMatch(/^examples\//);
    }
  }
});

test('the scripts that people start can be started', () => {
  for (const script of ['scripts/test', 'scripts/demo', '.ci/run']) {
    expect(() => accessSync(join(ROOT, script), constants.X_OK), script).not.toThrow();
  }
});

test('the links between our documents lead somewhere', () => {
  const pages = ['README.md', 'CHANGELOG.md', ...readdirSync(join(ROOT, 'docs')).map((page) => `docs/${page}`)];
  for (const page of pages.filter((name) => name.endsWith('.md') && existsSync(join(ROOT, name)))) {
    const text = readFileSync(join(ROOT, page), 'utf8');
    for (const [, link] of text.matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)) {
      expect(existsSync(join(ROOT, dirname(page), link!)), `${page} links to ${link}`).toBe(true);
    }
  }
});
