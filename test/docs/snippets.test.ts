import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type Block, blocksOf, commandsOf, difference, fileOf, PAGES, placeOf, REPOSITORY } from './pages.ts';
import { Reader } from './reader.ts';

const SLOW = 300_000;
const readers: Reader[] = [];
const reader = (options?: ConstructorParameters<typeof Reader>[0]): Reader => {
  readers.push(new Reader(options));
  return readers.at(-1)!;
};
afterAll(() => {
  for (const each of readers) each.dispose();
});

const all = PAGES.flatMap((page) => blocksOf(page));
const isCode = ({ language }: Block) => /^([cm]?[jt]s|typescript|javascript)$/.test(language);

describe('what the pages show as code', () => {
  test('is a file of a project, named in its first line', () => {
    expect(all.filter(isCode).length).toBeGreaterThan(5);
    expect(all.filter((block) => isCode(block) && !fileOf(block)).map(placeOf)).toEqual([]);
  });

  test('is accepted by the compiler', { timeout: SLOW }, () => {
    const project = reader();
    for (const page of PAGES) project.follows(page, page.replace(/\W/g, '-'));
    expect(project.typeErrors()).toBe('');
  });
});

describe('what the pages show on a console happens so', () => {
  const pages = PAGES.filter((page) => blocksOf(page).some(({ language }) => language === 'console'));

  test('there is the campaign of five minutes', () => {
    const shown = all
      .filter(({ page, language }) => page === 'README.md' && language === 'console')
      .flatMap(commandsOf);
    for (const verb of ['start', 'status', 'switch', 'reverse', 'complete', 'verify']) {
      expect(shown.some(({ command }) => command.startsWith(`npx handover ${verb}`))).toBe(true);
    }
  });

  test.each(pages)('%s', { timeout: SLOW }, (page) => {
    // Of what all pages begin with not even npx is another one.
    const project = reader({ quick: page !== 'README.md' });
    project.follows(page);
    const consoles = blocksOf(page).filter(({ language }) => language === 'console');
    for (const command of consoles.flatMap(commandsOf)) expect(project.follow(command)).toBeUndefined();
  });
});

test('what the pages tell to type in a shell is there', async () => {
  const { scripts } = (await import(join(REPOSITORY, 'package.json'), { with: { type: 'json' } })).default as {
    scripts: Record<string, string>;
  };
  for (const { page, line, text } of all.filter(({ language }) => language === 'sh')) {
    for (const [, script] of text.matchAll(/npm run ([\w:-]+)/g))
      expect(scripts, `${page}:${line}`).toHaveProperty([script!]);
    for (const [, file] of text.matchAll(/\.\/(scripts\/\w+)/g))
      expect(existsSync(join(REPOSITORY, file!)), file).toBe(true);
  }
});

describe('these checks can fail', () => {
  test.each([
    ['another line', ['feeds.1  copied', '…'], 'feeds.1  switched\n  wanted  all\n'],
    ['a line too few', ['feeds.1  copied'], 'feeds.1  copied\n  wanted  all\n'],
    ['a line too many', ['feeds.1  copied', '  wanted  all'], 'feeds.1  copied\n'],
    ['another order', ['…', 'b', '…', 'a', '…'], 'a\nb\n'],
    ['nothing at all', ['feeds.1  copied'], ''],
  ])('when the output has %s', (_, expected, output) => {
    expect(difference(expected, output)).toBeDefined();
  });

  test('when only what varies differs, nothing does', () => {
    const line = (time: string, by: string) => `  history  ${time}Z  switch by ${by}: because`;
    expect(
      difference([line('2026-01-02 03:04:05', 'ann')], `${line('2027-06-07 08:09:10', 'root')}\n`),
    ).toBeUndefined();
  });

  test('when a command ends otherwise, or says something else', { timeout: SLOW }, () => {
    const project = reader();
    const command = { place: 'here', command: 'echo a; exit 3', expected: ['a'], exit: 3 };
    expect(project.follow(command)).toBeUndefined();
    expect(project.follow({ ...command, exit: 0 })).toContain('ended with 3, not 0');
    expect(project.follow({ ...command, expected: ['b'] })).toContain('should say "b"');
  });

  test('when a snippet has a wrong type', { timeout: SLOW }, () => {
    const project = reader();
    project.write('wrong.ts', "import { key } from 'handover';\nexport const name: string = key('User', 'ann');\n");
    expect(project.typeErrors()).toContain('wrong.ts');
  });
});
