import { expect, test } from 'vitest';
import { HandClock } from '../../src/testing/hub/handClock.ts';

test('sleepers wake in the order of their times, those of one time in the order in which they fell asleep', async () => {
  const clock = new HandClock(1_000);
  const woken: [string, number][] = [];
  const sleeper = async (name: string, ms: number) => {
    await clock.sleep(ms);
    woken.push([name, clock.now()]);
  };
  const all = [sleeper('late', 30), sleeper('early', 10), sleeper('early too', 10), sleeper('later', 31)];
  const again = sleeper('twice', 5).then(() => sleeper('twice', 20));
  await clock.advance(30);
  expect(woken).toEqual([
    ['twice', 1_005],
    ['early', 1_010],
    ['early too', 1_010],
    ['twice', 1_025],
    ['late', 1_030],
  ]);
  expect([clock.now(), clock.ticks(), clock.sleepers]).toEqual([1_030, 30, 1]);
  await clock.advance(1);
  await Promise.all([...all, again]);
});

test('a sleep that is called off ends at once, and so does one that was called off before', async () => {
  const clock = new HandClock();
  const off = new AbortController();
  const sleep = clock.sleep(1_000, off.signal);
  expect(clock.sleepers).toBe(1);
  off.abort();
  await sleep;
  await clock.sleep(1_000, off.signal);
  expect(clock.sleepers).toBe(0);
});
