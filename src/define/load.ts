import { existsSync, readdirSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { createJiti } from 'jiti';
import { type ErrorCode, HandoverError, messageOf } from '../errors.ts';
import * as handover from '../index.ts';
import * as router from '../router/router.ts';
import * as datastore from '../store/datastore/datastore.ts';
import * as lmdb from '../store/lmdb.ts';
import * as memory from '../store/memory.ts';
import { type Config, type ConfigDefinition, defineConfig } from './config.ts';
import { checkHistory } from './history.ts';
import type { Migration } from './migration.ts';

/** A project as it lies on disk: its configuration and its migrations. */
export interface Project {
  /** The configuration file. */
  readonly file: string;
  readonly config: Config;
  /** By name, and the newest version first. */
  readonly migrations: readonly Migration[];
}

const CONFIG_NAMES = ['handover.config.ts', 'handover.config.js', 'handover.config.mjs'] as const;
const MODULE = /(?<!\.d)\.(?:ts|mts|js|mjs)$/;
const NOT_A_MIGRATION = /\.(?:test|spec)\.\w+$/;

/**
 * What user modules get for our own name. They must share this very process's modules: a second copy of them would have
 * other classes, so that its errors and keys would not be known here. Resolving the name from the user's folder finds
 * whatever is installed there; handing over the objects cannot go wrong, from `src` in tests as from `dist`.
 */
const OURS = {
  handover,
  'handover/router': router,
  'handover/store/datastore': datastore,
  'handover/store/lmdb': lmdb,
  'handover/store/memory': memory,
};

/** What few projects need and takes long to load: loaded when one of them asks for it. */
const ON_DEMAND: Readonly<Record<string, () => Promise<object>>> = {
  'handover/dispatch/pubsub': () => import('../dispatch/pubsub.ts'),
  'handover/testing': () => import('../testing/index.ts'),
  'handover/webhooks': () => import('../webhooks/index.ts'),
};

/**
 * Loads `handover.config.ts` (or `.js`, `.mjs`) of the folder, or the file that is named, and every module of its
 * migrations folder, and checks the whole. TypeScript needs no build step.
 *
 * Throws `config.missing`, `config.invalid`, `definition.invalid`, `definition.dependency`, `definition.heads`.
 */
export async function loadConfig(path?: string, cwd = process.cwd()): Promise<Project> {
  const file = findConfig(path, cwd);
  const load = loader(cwd);
  const config = defineConfigOf(await load(file, 'config.invalid'), shown(file, cwd));
  const folder = resolve(dirname(file), config.migrations);
  const found: { migration: Migration; file: string }[] = [];
  for (const name of modulesOf(folder, cwd)) {
    const module = join(folder, name);
    const exported = await load(module, 'definition.invalid');
    for (const migration of migrationsOf(exported, shown(module, cwd))) {
      found.push({ migration, file: shown(module, cwd) });
    }
  }
  checkHistory(found);
  const migrations = found.map(({ migration }) => migration);
  migrations.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : b.version - a.version));
  return { file, config, migrations };
}

function findConfig(path: string | undefined, cwd: string): string {
  const candidates = path === undefined ? CONFIG_NAMES : [path];
  const found = candidates.map((name) => resolve(cwd, name)).find((name) => existsSync(name));
  if (found) return found;
  const where = path === undefined ? `Looked in ${cwd}` : `There is no file ${resolve(cwd, path)}`;
  throw new HandoverError('config.missing', `${where}.`, { candidates });
}

function modulesOf(folder: string, cwd: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => MODULE.test(name) && !NOT_A_MIGRATION.test(name))
      .sort();
  } catch (cause) {
    const detail = `The migrations folder ${shown(folder, cwd)} cannot be read.`;
    throw new HandoverError('config.invalid', detail, { folder }, { cause });
  }
}

/** Imports modules of the user's, and says where one fails. Nothing is cached on disk: a stale definition moves data. */
function loader(cwd: string) {
  const modules: Record<string, object> = { ...OURS };
  const wanted = new Set<string>();
  for (const name of Object.keys(ON_DEMAND)) {
    const get = (): never => {
      wanted.add(name);
      throw new Error(`${name} is not loaded yet`);
    };
    Object.defineProperty(modules, name, { get, enumerable: true, configurable: true });
  }
  /** Whether there was something to load that was asked for in vain: then all is to be tried again. */
  const fetched = async (): Promise<boolean> => {
    const names = [...wanted];
    wanted.clear();
    for (const name of names) Object.defineProperty(modules, name, { value: await ON_DEMAND[name]!() });
    return names.length > 0;
  };
  const jiti = createJiti(join(cwd, 'handover.config.ts'), {
    fsCache: false,
    moduleCache: false,
    interopDefault: false,
    virtualModules: modules,
  });
  return async (file: string, code: ErrorCode): Promise<unknown> => {
    try {
      for (;;) {
        // One at a time, in whatever way they are imported: a module that asks for what is not there is begun again.
        const imported = jiti.import<{ default?: unknown }>(file);
        const module = await imported.catch(() => undefined);
        if (!(await fetched())) return (module ?? (await imported)).default;
      }
    } catch (cause) {
      const known = cause instanceof HandoverError ? cause : undefined;
      const detail = `${placeOf(cause, file, cwd)}: ${known?.detail ?? sentenceOf(cause)}`;
      throw new HandoverError(known?.code ?? code, detail, { file, ...known?.facts }, { cause });
    }
  };
}

/** `migrations/feeds.ts:12`: where in the file, or in what it imports, the error arose, as far as it tells. */
function placeOf(cause: unknown, file: string, cwd: string): string {
  const text = cause instanceof Error ? `${cause.message}\n${cause.stack}` : '';
  const at = (name: string) => text.indexOf(`${name}:`);
  const own = at(file) < 0 ? -1 : Number.parseInt(text.slice(at(file) + file.length + 1), 10);
  if (own > 0) return `${shown(file, cwd)}:${own}`;
  const elsewhere = /(\/[^\s()]+\.[cm]?[jt]sx?):(\d+):\d+/.exec(cause instanceof Error ? cause.message : '');
  return elsewhere ? `${shown(elsewhere[1]!, cwd)}:${elsewhere[2]}` : shown(file, cwd);
}

/** The first line of the message, without what our loader wraps around it and without the place, which stands before. */
function sentenceOf(cause: unknown): string {
  const [first] = messageOf(cause)
    .replace(/^ParseError: /, '')
    .split('\n');
  return `${first!.trim().replace(/\.$/, '')}.`;
}

function defineConfigOf(exported: unknown, file: string): Config {
  if (exported === undefined) {
    throw new HandoverError('config.invalid', `${file} has no default export: write export default defineConfig({…}).`);
  }
  try {
    return defineConfig(exported as ConfigDefinition);
  } catch (error) {
    throw error instanceof HandoverError ? new HandoverError(error.code, `${file}: ${error.detail}`) : error;
  }
}

function migrationsOf(exported: unknown, file: string): readonly Migration[] {
  const all: readonly unknown[] = Array.isArray(exported) ? exported : [exported];
  if (all.length > 0 && all.every(isMigration)) return all;
  const detail = `${file} has no migration as its default export: write export default defineMigration({…}).`;
  throw new HandoverError('definition.invalid', detail, { file });
}

function isMigration(value: unknown): value is Migration {
  const { name, fingerprint, records } = (value ?? {}) as Partial<Migration>;
  return typeof name === 'string' && typeof fingerprint === 'string' && Array.isArray(records);
}

/** A path as the user would write it. */
function shown(path: string, cwd: string): string {
  const short = relative(cwd, path);
  return short.startsWith('..') || isAbsolute(short) ? path : short;
}
