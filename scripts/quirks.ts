/**
 * `npm run quirks -- [--pair NAME] [--every N] [--json]`: the whole journey of a subscription at a hub with every pair of
 * quirks, or with the one of that name; or with every Nth. Says how it goes on standard error; the last line is the count,
 * and for each pair that failed the command that tries it again. Ends with 1 when one failed.
 */
import { parseArgs } from 'node:util';
import { messageOf } from '../src/errors.ts';
import { PAIRS, wholeJourney } from '../test/webhooks/quirks.ts';

const { values } = parseArgs({
  options: {
    pair: { type: 'string' },
    every: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
});
const every = Number(values.every);
const chosen = PAIRS.filter(({ name }, i) => (values.pair === undefined ? i % every === 0 : name === values.pair));
if (!(every >= 1) || chosen.length === 0) {
  console.error('npm run quirks -- [--pair NAME] [--every N] [--json]');
  process.exit(64);
}

const replayOf = (name: string) => `npm run quirks -- --pair ${JSON.stringify(name)}`;
const failed: { readonly pair: string; readonly why: string; readonly replay: string }[] = [];
const began = performance.now();
const seconds = () => Math.round((performance.now() - began) / 1000);
for (const [i, { name, quirks }] of chosen.entries()) {
  try {
    await wholeJourney(quirks);
  } catch (error) {
    failed.push({ pair: name, why: messageOf(error), replay: replayOf(name) });
    console.error(`${name}: ${messageOf(error)}`);
  }
  if ((i + 1) % 10 === 0) console.error(`${i + 1} of ${chosen.length} pairs, ${failed.length} failed, ${seconds()} s`);
}

const pairs = chosen.length;
if (values.json) console.log(JSON.stringify({ pairs, failed, seconds: seconds() }));
else {
  for (const { replay } of failed) console.log(`replay: ${replay}`);
  console.log(`${pairs} pairs of quirks, ${failed.length} failed, ${seconds()} s`);
}
process.exitCode = failed.length > 0 ? 1 : 0;
