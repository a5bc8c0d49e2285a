import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { field } from '../src/define/field.ts';
import { defineMigration } from '../src/define/migration.ts';
import { LIMITS } from '../src/limits.ts';
import { Content } from '../src/record/content.ts';
import { key } from '../src/record/key.ts';
import { fromPlain, rename } from '../src/record/plain.ts';
import { lmdbStore } from '../src/store/lmdb.ts';
import type { KeyRange, Store } from '../src/store/store.ts';
import { type Measure, rowsOf, Stopwatch } from './shared/compare.ts';
import { engine } from './shared/moves.ts';
import { optionsOf } from './shared/options.ts';

/**
 * Renaming a property of entities of about 300 bytes in place, on LMDB files, each case on a fresh store, interleaved over
 * several rounds. `npm run bench -- fields [--records N] [--rounds R] [--json]`.
 */
const RENAMED = { mail: 'email' };
const migration = defineMigration({ name: 'fields', version: 1, fields: [field({ of: 'Tenant', rename: RENAMED })] });

const CASES: Readonly<Record<string, (store: Store) => Promise<void>>> = {
  'a loop of conditional writes': loop,
  'engine, in one go': (store) => engine(store, { migration }),
};

/** What a careful person writes: page by page, by as many lanes, and what somebody else changed meanwhile stays as it was. */
async function loop(store: Store): Promise<void> {
  const ranges = [...(await store.split({ namespace: '', kind: 'Tenant' }, LIMITS.rangesPerHome))];
  const lane = async () => {
    for (let range = ranges.shift(); range; range = ranges.shift()) await rewrite(store, range);
  };
  await Promise.all(Array.from({ length: LIMITS.lanes }, lane));
}

async function rewrite(store: Store, whole: KeyRange): Promise<void> {
  let range = whole;
  for (let more = true; more; ) {
    const page = await store.scan(range, LIMITS.pageSize);
    await store.commit(
      page.entities.map(({ key: at, version, content }) => {
        return { op: 'update' as const, key: at, version, content: Content.of(rename(content.properties, RENAMED)) };
      }),
    );
    more = page.more;
    if (more) range = { ...range, after: page.entities.at(-1)!.key };
  }
}

async function seed(store: Store, records: number): Promise<void> {
  for (let n = 1; n <= records; n += LIMITS.pageSize) {
    const page = Array.from({ length: Math.min(LIMITS.pageSize, records - n + 1) }, (_, i) => n + i);
    await store.overwrite(
      page.map((id) => {
        const tenant = { mail: `tenant-${id}@example.com`, name: `Tenant ${id}`, plan: 'free', about: 'x'.repeat(200) };
        return { key: key('Tenant', id), content: Content.of(fromPlain(tenant)) };
      }),
    );
  }
}

async function measure(name: string, records: number): Promise<ReadonlyMap<string, Measure>> {
  const path = mkdtempSync(join(tmpdir(), 'handover-bench-'));
  const store = lmdbStore({ path });
  try {
    await seed(store, records);
    globalThis.gc?.();
    const watch = new Stopwatch(records);
    await CASES[name]!(store);
    watch.lap(name);
    const [last] = await store.read([key('Tenant', records)]);
    if (!last!.content.properties.has('email') || last!.content.properties.has('mail'))
      throw new Error(`${name}: not done`);
    return watch.measures;
  } finally {
    await store.close();
    rmSync(path, { recursive: true, force: true });
  }
}

async function main(argv: readonly string[]): Promise<void> {
  const { flag, number } = optionsOf(argv);
  const [records, rounds] = [number('records', 50_000), number('rounds', 3)];
  const all: Map<string, Measure>[] = [];
  for (let round = 0; round < rounds; round++) {
    const measures = new Map<string, Measure>();
    for (const name of Object.keys(CASES)) for (const lap of await measure(name, records)) measures.set(...lap);
    all.push(measures);
  }
  const rows = rowsOf(all);
  if (flag('json')) console.log(JSON.stringify({ rows }));
  else {
    console.table(rows);
    console.log(
      'ratio: records/s against the loop in the same run. The engine sweeps once more, to prove that all is done.',
    );
    console.log(
      'Not measured: live traffic beside it, the stops between copy, switch and complete, more than one worker.',
    );
  }
}

await main(process.argv.slice(2));
