import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { Writable } from 'node:stream';
import type { Io } from '../../src/cli/io.ts';
import { run } from '../../src/cli/run.ts';
import { systemClock } from '../../src/clock.ts';
import { Content } from '../../src/record/content.ts';
import { type Key, key } from '../../src/record/key.ts';
import { fromPlain } from '../../src/record/plain.ts';
import { lmdbStore } from '../../src/store/lmdb.ts';
import type { Store } from '../../src/store/store.ts';
import { checkComponent } from '../server/described.ts';

export const REPOSITORY = resolve(import.meta.dirname, '../..');

export const CONFIG = `
import { defineConfig } from 'handover';
import { lmdbStore } from 'handover/store/lmdb';

export default defineConfig({ store: () => lmdbStore({ path: 'DATA' }) });
`;

/** Feeds move under their users, and come back with a mark when they were modified: \`title\` becomes \`name\`. */
export const FEEDS = `
import { defineMigration, entity, key } from 'handover';

interface Feed {
  user: string;
  title: string;
}

export default defineMigration({
  name: 'feeds',
  version: 1,
  records: [
    entity<Feed>({ from: 'Feed', into: 'User/Feed', to: (feed, old) => key('User', feed.user, 'Feed', old.id) }),
  ],
});
`;

/** A project in a folder of its own, as a user has it, with the real command line on a real store. */
export class Project {
  readonly folder = mkdtempSync(join(tmpdir(), 'handover-cli-'));
  readonly data = join(this.folder, 'data');

  constructor(files: Readonly<Record<string, string>> = {}) {
    const all = { 'handover.config.ts': CONFIG, 'migrations/feeds.ts': FEEDS, ...files };
    for (const [name, text] of Object.entries(all)) this.write(name, text);
    mkdirSync(join(this.folder, 'node_modules'), { recursive: true });
    symlinkSync(REPOSITORY, join(this.folder, 'node_modules/handover'));
  }

  write(name: string, text: string): void {
    const file = join(this.folder, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text.replaceAll('DATA', this.data));
  }

  remove(name: string): void {
    rmSync(join(this.folder, name), { recursive: true });
  }

  /** Opens the store, as the application would. */
  async withStore<R>(use: (store: Store) => Promise<R>): Promise<R> {
    const store = lmdbStore({ path: this.data });
    try {
      return await use(store);
    } finally {
      await store.close();
    }
  }

  async seed(count: number, of: (n: number) => object = feedOf): Promise<void> {
    await this.withStore((store) =>
      store.overwrite(
        Array.from({ length: count }, (_, i) => ({ key: key('Feed', i + 1), content: content(of(i + 1)) })),
      ),
    );
  }

  async put(at: Key, record: object): Promise<void> {
    await this.withStore((store) => store.overwrite([{ key: at, content: content(record) }]));
  }

  /** Runs `handover ...args` here. */
  async run(...args: readonly string[]): Promise<Answer> {
    return this.interruptible(args).ended;
  }

  /** The same on a terminal, where these answers are typed. What is asked stands in `err`. */
  async typing(answers: readonly string[], ...args: readonly string[]): Promise<Answer> {
    return this.interruptible(args, undefined, [...answers]).ended;
  }

  /** The same, with a way to send SIGINT. */
  interruptible(args: readonly string[], onErr?: (text: string) => void, answers?: string[]) {
    const out = new Text();
    const err = new Text(onErr);
    let interrupt = () => {};
    const ask = async (question: string) => {
      err.write(`${question}\n`);
      return answers?.shift() ?? '';
    };
    const io: Io = {
      out,
      err,
      cwd: this.folder,
      user: 'ann',
      host: 'desk',
      clock: systemClock,
      onInterrupt: (handler) => {
        interrupt = handler;
        return () => {};
      },
      ...(answers ? { ask } : {}),
    };
    const ended = run(args, io).then((code): Answer => ({ code, out: out.text, err: err.text }));
    return { ended, interrupt: () => interrupt() };
  }

  /** Runs with `--json`, and fails unless standard output is one JSON document, as the admin API would answer. */
  async json<T = Record<string, unknown>>(...args: readonly string[]): Promise<{ code: number; data: T; err: string }> {
    const { code, out, err } = await this.run(...args, '--json');
    const data = JSON.parse(out);
    const name = 'error' in data ? undefined : componentOf(args, data);
    if (name !== undefined) await checkComponent(name, data);
    return { code, data: data as T, err };
  }

  dispose(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const COMPONENTS: Readonly<Record<string, string>> = {
  audit: 'AuditPage',
  doctor: 'Diagnosis',
  history: 'History',
  plan: 'PlanReport',
  show: 'Shown',
  status: 'Campaigns',
  verify: 'VerifyReport',
};

/** What the OpenAPI document calls it; undefined of what only a command line says. */
function componentOf([verb]: readonly string[], data: object): string | undefined {
  if (verb === 'records' && !('states' in data)) return 'records' in data ? 'RecordsPage' : 'Mismatches';
  if (verb === 'deliveries' && !('retried' in data)) return 'deliveries' in data ? 'DeliveriesPage' : 'Delivery';
  return 'switchGateOpen' in data ? 'CampaignStatus' : COMPONENTS[verb!];
}

export interface Answer {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

class Text extends Writable {
  text = '';
  readonly #seen: ((text: string) => void) | undefined;

  constructor(seen?: (text: string) => void) {
    super({ decodeStrings: false });
    this.#seen = seen;
  }

  override _write(chunk: string | Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    this.#seen?.(this.text);
    done();
  }
}

export const content = (record: object): Content => Content.of(fromPlain(record as never));
export const feedOf = (n: number): { user: string; title: string } => ({ user: `u${n % 7}`, title: `feed ${n}` });
