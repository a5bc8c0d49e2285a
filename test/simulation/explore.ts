import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { type Exploration, explore } from '../../src/testing/explore.ts';
import { BOUNDS } from './bounds.ts';
import { byRecord } from './subjects.ts';

/**
 * Every order of steps within the bounds of each scenario: `npm run explore -- [TEXT ...] [--threads N]`, where only
 * scenarios are explored whose name has one of the texts. A line for each; exit code 1 when one breaks an invariant.
 */
if (isMainThread) await main();
else parentPort!.on('message', async (name: string) => parentPort!.postMessage(await explore(byRecord, BOUNDS[name]!)));

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { threads: { type: 'string', default: String(availableParallelism()) } },
  });
  const wanted = (name: string) => positionals.length === 0 || positionals.some((text) => name.includes(text));
  const left = Object.keys(BOUNDS).filter(wanted);
  const total = { scenarios: left.length, clean: 0, states: 0, schedules: 0n };
  const lane = async () => {
    const thread = new Worker(new URL(import.meta.url));
    for (let name = left.shift(); name; name = left.shift()) {
      const began = performance.now();
      const explored = await new Promise<Exploration>((resolve, reject) => {
        thread.once('message', resolve).once('error', reject);
        thread.postMessage(name);
      });
      thread.removeAllListeners('error');
      const { states, schedules, violation } = explored;
      const seconds = ((performance.now() - began) / 1000).toFixed(1);
      console.log(`${name}: ${states} states, ${schedules} schedules, ${seconds} s${violation ? '' : ', clean'}`);
      if (violation) console.log([violation.message, ...violation.trace].map((line) => `  ${line}`).join('\n'));
      else total.clean++;
      total.states += states;
      total.schedules += schedules;
    }
    await thread.terminate();
  };
  await Promise.all(Array.from({ length: Number(values.threads) }, lane));
  const { scenarios, clean, states, schedules } = total;
  console.log(`${clean} of ${scenarios} scenarios clean: ${states} states, ${schedules} schedules`);
  process.exitCode = clean === scenarios ? 0 : 1;
}
