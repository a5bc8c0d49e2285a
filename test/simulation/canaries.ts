import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { MUTANTS } from './mutants.ts';

/**
 * Whether the simulator finds what is known to be wrong: `npm run canaries -- [NAME ...] [--threads N]`. A line for each
 * mutant, then `found N of N`; exit code 1 when one was not found within its seeds.
 */
export interface Found {
  readonly seed: number;
  readonly by: string;
  readonly invariant: string;
}

async function find(name: string): Promise<Found | undefined> {
  const program = join(import.meta.dirname, 'canary.js');
  const child = spawn(process.execPath, ['--max-semi-space-size=64', program, name], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const [code] = await once(child, 'close');
  return code === 0 ? (JSON.parse(said) as Found) : undefined;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { threads: { type: 'string', default: String(availableParallelism()) } },
});
const all = Object.keys(MUTANTS);
const elusive = all.filter((name) => MUTANTS[name]!.elusive);
const names = positionals.length > 0 ? positionals : all.filter((name) => !elusive.includes(name));
for (const name of names) if (!MUTANTS[name]) throw new Error(`There is no mutant ${name}.`);
const left = [...names];
let count = 0;
const lane = async () => {
  for (let name = left.shift(); name; name = left.shift()) {
    const found = await find(name);
    if (found) count++;
    const { what, within } = MUTANTS[name]!;
    const told = found ? `${found.invariant} broke at seed ${found.seed}, by ${found.by}` : 'NOT FOUND';
    console.log(`${name.padEnd(16)} ${told.padEnd(40)} of ${within}: ${what}`);
  }
};
await Promise.all(Array.from({ length: Number(values.threads) }, lane));
if (positionals.length === 0) console.log(`not tried, for they were not found so far: ${elusive.join(', ')}`);
console.log(`found ${count} of ${names.length}`);
process.exitCode = count === names.length ? 0 : 1;
