import { test } from 'vitest';
import { simulate } from '../../src/testing/simulate.ts';
import * as s from './subjects.ts';

test('x', { timeout: 600000 }, async () => {
  for (const which of (process.env['WHICH'] ?? '').split(',')) {
    const t = performance.now();
    const r = await simulate({
      ...(s as any)[which],
      first: Number(process.env['FIRST'] ?? 1),
      seeds: Number(process.env['N'] ?? 300),
    });
    console.log(which, r.seeds, Math.round(performance.now() - t), 'ms');
    if (r.failure)
      console.log(
        r.failure.text
          .split('\n')
          .map((l: string) => l.slice(0, 330))
          .slice(0, 150)
          .join('\n'),
      );
  }
});
