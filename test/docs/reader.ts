import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { blocksOf, type Command, difference, fileOf, REPOSITORY } from './pages.ts';

/** A folder as a reader has it who follows a page: its files, and handover among its modules. */
export class Reader {
  readonly folder = mkdtempSync(join(tmpdir(), 'handover-docs-'));
  readonly #path: string;

  /** `quick`: with an `npx` that starts what is among the modules and does nothing else; npm's takes longer than what it starts. */
  constructor({ quick = false } = {}) {
    this.write('package.json', JSON.stringify({ name: 'reader', private: true, type: 'module' }));
    const modules = join(this.folder, 'node_modules');
    mkdirSync(join(modules, '.bin'), { recursive: true });
    symlinkSync(REPOSITORY, join(modules, 'handover'));
    symlinkSync(join(REPOSITORY, 'node_modules/jiti'), join(modules, 'jiti'));
    symlinkSync(join(REPOSITORY, 'node_modules/@types'), join(modules, '@types'));
    symlinkSync('../handover/dist/src/cli/main.js', join(modules, '.bin/handover'));
    symlinkSync('../jiti/lib/jiti-cli.mjs', join(modules, '.bin/jiti'));
    const before = process.env['PATH'] ?? '';
    this.#path = quick ? [join(this.folder, 'quick'), before].join(delimiter) : before;
    this.write('quick/npx', '#!/bin/sh\nname=$1; shift\nexec "./node_modules/.bin/$name" "$@"\n');
    chmodSync(join(this.folder, 'quick/npx'), 0o755);
  }

  write(name: string, text: string): void {
    const file = join(this.folder, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }

  /** Writes every block that is a file: those of the README, which all pages go on from, then those of the page. */
  follows(page: string, folder = ''): void {
    for (const block of [...blocksOf('README.md'), ...blocksOf(page)]) {
      const file = fileOf(block);
      if (file) this.write(join(folder, file.path), file.text);
    }
  }

  /** Runs one line of shell here, as written. */
  run(line: string): { code: number | null; out: string; err: string } {
    // What npm tells its scripts must not reach an npm that runs here, as if on its own.
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)));
    const { status, stdout, stderr } = spawnSync('sh', ['-c', line], {
      cwd: this.folder,
      env: { ...env, PATH: this.#path, NO_COLOR: '1', npm_config_update_notifier: 'false' },
      encoding: 'utf8',
    });
    return { code: status, out: stdout, err: stderr };
  }

  /** Runs a command and says what is not as the page has it. Results are on standard output, refusals on the other. */
  follow({ place, command, expected, exit }: Command): string | undefined {
    const { code, out, err } = this.run(command);
    if (code !== exit) return `${place}: ${command} ended with ${code}, not ${exit}\n${out}${err}`;
    const differs = difference(expected, exit === 0 || out !== '' ? out : withoutNpm(err));
    return differs && `${place}: ${command} should say ${differs}`;
  }

  /** The compiler's complaints about all TypeScript here, under the strict settings of this repository. */
  typeErrors(): string {
    const config = {
      extends: join(REPOSITORY, 'tsconfig.json'),
      compilerOptions: { rootDir: this.folder, typeRoots: [join(this.folder, 'node_modules/@types')], noEmit: true },
      include: ['**/*.ts'],
    };
    this.write('tsconfig.json', JSON.stringify(config));
    const { code, out, err } = this.run(`node ${join(REPOSITORY, 'node_modules/typescript/bin/tsc')} -p .`);
    return code === 0 ? '' : `${out}${err}`;
  }

  dispose(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const withoutNpm = (text: string): string => text.replace(/^npm (warn|notice) .*\n/gm, '');
