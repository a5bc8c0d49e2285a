import type { Key } from '../record/key.ts';
import {
  applied,
  conflicts,
  insert,
  known,
  numberOf,
  one,
  PROBE_KIND,
  type ProbeBench,
  read,
  stands,
  update,
} from './probeSteps.ts';
import type { Capabilities, Mutation, Outcome, Version } from './store.ts';

interface Check {
  readonly name: string;
  /** What holds, and what it is good for. */
  readonly rule: string;
  /** What was seen instead, and what it would cost. */
  readonly breach: string;
  /** Whether the protocol loses data on such a store. */
  readonly fatal: boolean;
  readonly applies?: (capabilities: Capabilities) => boolean;
  readonly holds: (bench: ProbeBench) => Promise<boolean>;
}

const spans = ({ atomic }: Capabilities) => atomic !== 'entity';

export const CHECKS: readonly Check[] = [
  {
    name: 'insert.twice',
    rule: 'A second insert of a key conflicts.',
    breach: 'A second insert overwrote the first: two clients could both create a record.',
    fatal: true,
    async holds(bench) {
      const at = bench.entity('insert.twice');
      const version = await insert(bench, at, 1);
      const second = await one(bench, { op: 'insert', key: at, content: bench.content(2) });
      return conflicts(second) && (await stands(bench, at, 1, version));
    },
  },
  {
    name: 'update.stale',
    rule: 'An update at an old version conflicts and changes nothing.',
    breach: 'An update at an old version was applied: a concurrent write would be lost.',
    fatal: true,
    async holds(bench) {
      const at = bench.entity('update.stale');
      const old = await insert(bench, at, 1);
      const now = await update(bench, at, old, 2);
      const stale = await one(bench, { op: 'update', key: at, version: old, content: bench.content(3) });
      return now !== old && conflicts(stale) && (await stands(bench, at, 2, now));
    },
  },
  {
    name: 'delete.stale',
    rule: 'A delete at an old version conflicts and removes nothing.',
    breach: 'A delete at an old version was applied: a concurrent write would be lost.',
    fatal: true,
    async holds(bench) {
      const at = bench.entity('delete.stale');
      const old = await insert(bench, at, 1);
      const now = await update(bench, at, old, 2);
      const stale = await one(bench, { op: 'delete', key: at, version: old });
      return conflicts(stale) && (await stands(bench, at, 2, now));
    },
  },
  {
    name: 'update.missing',
    rule: 'An update of a deleted entity conflicts.',
    breach: 'An update brought a deleted entity back.',
    fatal: true,
    async holds(bench) {
      const at = bench.entity('update.missing');
      const version = await insert(bench, at, 1);
      applied(await one(bench, { op: 'delete', key: at, version }));
      const late = await one(bench, { op: 'update', key: at, version, content: bench.content(2) });
      return conflicts(late) && (await read(bench, at)) === undefined;
    },
  },
  {
    name: 'version.reused',
    rule: 'A deleted key can be inserted again, and no version of its earlier life fits.',
    breach: 'After delete and insert an old version fits again: a late writer would overwrite what it never saw.',
    fatal: true,
    async holds(bench) {
      const at = bench.entity('version.reused');
      const first = await insert(bench, at, 1);
      const second = await update(bench, at, first, 2);
      applied(await one(bench, { op: 'delete', key: at, version: second }));
      const again = await insert(bench, at, 3);
      const late: Outcome[] = [];
      for (const version of [first, second]) {
        late.push(await one(bench, { op: 'update', key: at, version, content: bench.content(4) }));
      }
      return again !== first && again !== second && late.every(conflicts) && (await stands(bench, at, 3, again));
    },
  },
  {
    name: 'batch.partial',
    rule: 'In a batch each mutation has its own outcome.',
    breach:
      'A batch with one stale mutation did not answer for each alone: the engine would mistake losers for winners.',
    fatal: true,
    async holds(bench) {
      const [a, b, c] = ['batch.a', 'batch.b', 'batch.c'].map(bench.entity) as [Key, Key, Key];
      const old = await insert(bench, b, 1);
      const now = await update(bench, b, old, 2);
      const version = await insert(bench, a, 1);
      const [first, second, third] = await bench.store.commit([
        { op: 'update', key: a, version, content: bench.content(2) },
        { op: 'update', key: b, version: old, content: bench.content(3) },
        { op: 'insert', key: c, content: bench.content(1) },
      ]);
      const lost = conflicts(known(second)) && (await stands(bench, b, 2, now));
      const won =
        (await stands(bench, a, 2, applied(known(first)))) && (await stands(bench, c, 1, applied(known(third))));
      return lost && won;
    },
  },
  {
    name: 'guard.stale',
    rule: 'A commit whose guard has changed applies nothing; one whose guard stands is applied.',
    breach:
      'A commit was applied although its guard had changed: a late worker could move records of a closed campaign.',
    fatal: true,
    applies: ({ guards }) => guards,
    async holds(bench) {
      const [watched, a, b] = ['guard', 'guard.a', 'guard.b'].map(bench.entity) as [Key, Key, Key];
      const old = await insert(bench, watched, 1);
      const now = await update(bench, watched, old, 2);
      const under = async (at: Key, version: Version) => {
        const guard = { key: watched, version };
        return known((await bench.store.commit([{ op: 'insert', key: at, content: bench.content(1) }], guard))[0]);
      };
      const fenced = (await under(a, old)).status === 'fenced' && (await read(bench, a)) === undefined;
      return fenced && (await under(b, now)).status === 'applied' && (await read(bench, b)) !== undefined;
    },
  },
  {
    name: 'unit.torn',
    rule: 'A unit with one stale mutation is not applied at all; the unit beside it is.',
    breach: 'A unit was applied in part: source and target of one record would disagree.',
    fatal: true,
    applies: spans,
    async holds(bench) {
      const pick = bench.store.capabilities.atomic === 'any' ? bench.elsewhere : bench.entity;
      const [a, b, c, d] = ['unit.a', 'unit.b', 'unit.c', 'unit.d'].map(pick) as [Key, Key, Key, Key];
      const [first, old] = [await insert(bench, a, 1), await insert(bench, b, 1)];
      const now = await update(bench, b, old, 2);
      const third = await insert(bench, c, 1);
      const [torn, whole] = await bench.store.commitTogether([
        [
          { op: 'update', key: a, version: first, content: bench.content(2) },
          { op: 'update', key: b, version: old, content: bench.content(3) },
        ],
        [
          { op: 'delete', key: c, version: third },
          { op: 'insert', key: d, content: bench.content(1) },
        ],
      ]);
      const untouched = (await stands(bench, a, 1, first)) && (await stands(bench, b, 2, now));
      const moved = (await read(bench, c)) === undefined && (await read(bench, d)) !== undefined;
      return conflicts(known(torn)) && untouched && known(whole).status === 'applied' && moved;
    },
  },
  {
    name: 'snapshot.torn',
    rule: 'Keys that are read together are read at one moment, as far as a few tries can tell.',
    breach: 'A read of two keys saw one before a commit and the other after it: look-then-swap would not be safe.',
    fatal: true,
    applies: (capabilities) => capabilities.snapshotReads && spans(capabilities),
    holds: readsWhole,
  },
  {
    name: 'scan.fresh',
    rule: 'A scan sees what was acknowledged before it, as a read does.',
    breach:
      'A scan missed an acknowledged write, though it is declared strong: sweeps may call a home clean too early.',
    fatal: false,
    applies: ({ scans }) => scans === 'strong',
    async holds(bench) {
      const at = bench.entity('scan.fresh');
      const version = await update(bench, at, await insert(bench, at, 1), 2);
      const range = { namespace: '', kind: PROBE_KIND, root: bench.root };
      const { entities } = await bench.store.scan(range, bench.store.capabilities.maxMutations);
      const found = entities.find((entity) => entity.key.equals(at));
      return found?.version === version && found.content.equals((await read(bench, at))!.content);
    },
  },
];

const ROUNDS = 10;

/** Two entities always hold the same number; reads that run beside the commits must never see two. */
async function readsWhole(bench: ProbeBench): Promise<boolean> {
  const keys = [bench.entity('snapshot.a'), bench.entity('snapshot.b')];
  let versions: readonly Version[] = [await insert(bench, keys[0]!, 0), await insert(bench, keys[1]!, 0)];
  for (let n = 1; n <= ROUNDS; n++) {
    const unit = keys.map((each, i): Mutation => {
      return { op: 'update', key: each, version: versions[i]!, content: bench.content(n) };
    });
    const [early, answers, late] = await Promise.all([
      bench.store.readTogether(keys),
      bench.store.commitTogether([unit]),
      bench.store.readTogether(keys),
    ]);
    for (const [a, b] of [early, late]) if (numberOf(a) !== numberOf(b)) return false;
    const outcome = known(answers[0]);
    if (outcome.status !== 'applied') return false;
    versions = outcome.versions;
  }
  return true;
}
