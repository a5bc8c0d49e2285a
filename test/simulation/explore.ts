import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { type Exploration, explore } from '../../src/testing/explore.ts';
import { BOUNDS } from './bounds.ts';
import { byRecord } from './subjects.ts';

/**
 * Every order of steps within the bounds of each scenario: `npm run explore -- [TEXT ...] [--states N] [--threads N]`, where
 * only scenarios are explored whose name has one of the texts. A line for each; one that has more states than N is cut off
 * there, and says so. Exit code 1 when one breaks an invariant.
 */
if (isMainThread) await main();
else
  parentPort!.on('message', async ({ name, most }: { name: string; most: number }) =>
    parentPort!.postMessage(await explore(byRecord, BOUNDS[name]!, most)),
  );

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      states: { type: 'string', default: '200000' },
      threads: { type: 'string', default: String(availableParallelism()) },
    },
  });
  const wanted = (name: string) => positionals.length === 0 || positionals.some((text) => name.includes(text));
  const left = Object.keys(BOUNDS).filter(wanted);
  const most = Number(values.states);
  const total = { scenarios: left.length, clean: 0, cut: 0, states: 0, schedules: 0n };
  const lane = async () => {
    const thread = new Worker(new URL(import.meta.url));
    for (let name = left.shift(); name; name = left.shift()) {
      const began = performance.now();
      const explored = await new Promise<Exploration>((resolve, reject) => {
        thread.once('message', resolve).once('error', reject);
        thread.postMessage({ name, most });
      });
      thread.removeAllListeners('error');
      const { states, schedules, ended, violation } = explored;
      const seconds = ((performance.now() - began) / 1000).toFixed(1);
      console.log(
        `${name}: ${states} states, ${schedules} schedules, ${seconds} s${violation ? '' : ended ? ', clean' : ', cut off, clean so far'}`,
      );
      if (violation) console.log([violation.message, ...violation.trace].map((line) => `  ${line}`).join('\n'));
      else if (ended) total.clean++;
      else total.cut++;
      total.states += states;
      total.schedules += schedules;
    }
    await thread.terminate();
  };
  await Promise.all(Array.from({ length: Number(values.threads) }, lane));
  const { scenarios, clean, cut, states, schedules } = total;
  const rest = cut === 0 ? '' : `, ${cut} clean up to ${most} states`;
  console.log(`${clean} of ${scenarios} scenarios clean to their end${rest}: ${states} states, ${schedules} schedules`);
  process.exitCode = clean + cut === scenarios ? 0 : 1;
}
