// fillDisk.mjs <path>: commits until the file may not grow any more, then says what the calls answered.
import { Content, key, lmdbStore } from './load.mjs';

const store = lmdbStore({ path: process.argv[2] });
const content = Content.of(new Map([['text', { type: 'string', value: 'x'.repeat(50_000), unindexed: true }]]));
const answerTo = async (n) => {
  try {
    const [outcome] = await store.commit([{ op: 'insert', key: key('Feed', n), content }]);
    return outcome.status;
  } catch (error) {
    return error.code ?? error.message;
  }
};
let n = 1;
let answer = await answerTo(n);
while (answer === 'applied') answer = await answerTo(++n);
const next = await answerTo(n + 1);
const [last] = await store.read([key('Feed', n - 1)]);
process.stdout.write(`${JSON.stringify({ applied: n - 1, answer, next, reads: last !== undefined })}\n`);
await store.close();
