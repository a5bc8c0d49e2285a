import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { simulate } from '../../src/testing/simulate.ts';
import { Tally } from '../../src/testing/tally.ts';
import {
  boundByGroup,
  boundByRecord,
  byGroup,
  byRecord,
  hookedByGroup,
  hookedByRecord,
  referringByGroup,
  referringByRecord,
  upgradedByGroup,
  upgradedByRecord,
} from './subjects.ts';

/**
 * Many seeds, on all cores: `npm run simulate -- [--seeds N] [--seed FIRST] [--by KIND] [--threads N] [--json]`.
 * Prints what they covered; the first seed that breaks an invariant ends it, is shrunk and printed, with exit code 1.
 */
const BY = {
  record: byRecord,
  group: byGroup,
  references: referringByRecord,
  groupReferences: referringByGroup,
  upgrade: upgradedByRecord,
  groupUpgrade: upgradedByGroup,
  hooks: hookedByRecord,
  groupHooks: hookedByGroup,
  bound: boundByRecord,
  groupBound: boundByGroup,
} as const;
type By = keyof typeof BY;

interface Block {
  readonly by: By;
  readonly first: number;
  readonly seeds: number;
}

interface Outcome {
  readonly tally: Tally;
  readonly failure: string | undefined;
}

/** Seeds that a thread runs before it says how it went. */
const BLOCK = 200;

if (isMainThread) await main();
else parentPort!.on('message', async (block: Block) => parentPort!.postMessage(await runBlock(block)));

async function runBlock({ by, first, seeds }: Block): Promise<Outcome> {
  const replay = (seed: number) => `npm run simulate -- --by ${by} --seed ${seed} --seeds 1`;
  const { tally, failure } = await simulate({ ...BY[by], first, seeds, replay });
  return { tally, failure: failure?.text };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '10000' },
      seed: { type: 'string', default: '1' },
      by: { type: 'string' },
      threads: { type: 'string', default: String(availableParallelism()) },
      json: { type: 'boolean', default: false },
    },
  });
  const last = Number(values.seed) + Number(values.seeds);
  const kinds = (Object.keys(BY) as By[]).filter((by) => values.by === undefined || values.by === by);
  if (!Number.isSafeInteger(last) || kinds.length === 0) {
    console.error('npm run simulate -- [--seeds N] [--seed FIRST] [--by KIND] [--threads N] [--json]');
    process.exit(64);
  }
  let next = Number(values.seed);
  let blocks = 0;
  const nextBlock = (): Block | undefined => {
    if (next >= last) return undefined;
    const block = { by: kinds[blocks++ % kinds.length]!, first: next, seeds: Math.min(BLOCK, last - next) };
    next += block.seeds;
    return block;
  };
  const tally = new Tally();
  const began = performance.now();
  const perSecond = () => Math.round((tally.runs * 1000) / (performance.now() - began));
  const failure = await onThreads(Number(values.threads), nextBlock, (outcome) => {
    tally.merge(outcome.tally);
    if (process.stderr.isTTY)
      process.stderr.write(`\r${tally.runs} of ${values.seeds} seeds, ${perSecond()} a second `);
  });
  if (process.stderr.isTTY) process.stderr.write('\n');
  if (failure) {
    console.log(failure);
    process.exit(1);
  }
  const { runs, calls, moves, faults, answers, scenarios, movesNotMade } = tally;
  const report = { seeds: runs, perSecond: perSecond(), calls, moves, movesNotMade, faults, answers, scenarios };
  if (values.json) console.log(JSON.stringify(report));
  else print(report);
}

/** Resolves with the first failure, or when there are no blocks left. */
async function onThreads(
  threads: number,
  nextBlock: () => Block | undefined,
  onOutcome: (outcome: Outcome) => void,
): Promise<string | undefined> {
  let failure: string | undefined;
  const one = async () => {
    const thread = new Worker(new URL(import.meta.url));
    try {
      for (let block = nextBlock(); block && !failure; block = nextBlock()) {
        const outcome = await new Promise<Outcome>((resolve, reject) => {
          thread.once('message', resolve).once('error', reject);
          thread.postMessage(block);
        });
        thread.removeAllListeners('error');
        onOutcome(outcome);
        failure ??= outcome.failure;
      }
    } finally {
      await thread.terminate();
    }
  };
  await Promise.all(Array.from({ length: threads }, one));
  return failure;
}

function print(report: {
  readonly seeds: number;
  readonly perSecond: number;
  readonly calls: number;
  readonly movesNotMade: readonly string[];
  readonly moves: Readonly<Record<string, number>>;
  readonly faults: Readonly<Record<string, number>>;
  readonly answers: Readonly<Record<string, number>>;
  readonly scenarios: Readonly<Record<string, number>>;
}): void {
  const { seeds, perSecond, calls, movesNotMade, moves } = report;
  console.log(`${seeds} seeds clean, ${perSecond} a second, ${Math.round(calls / seeds)} store calls each.`);
  for (const part of ['moves', 'faults', 'answers', 'scenarios'] as const) {
    const rows = Object.entries(report[part]).sort(([a], [b]) => (a < b ? -1 : 1));
    console.log(`\n${part}:`);
    for (const [name, count] of rows) console.log(`  ${String(count).padStart(9)}  ${name}`);
  }
  const made = Object.keys(moves).length;
  const missing = movesNotMade.length > 0 ? `; never: ${movesNotMade.join(', ')}` : '';
  console.log(`\n${made} of ${made + movesNotMade.length} moves of the record machine were made${missing}.`);
}
