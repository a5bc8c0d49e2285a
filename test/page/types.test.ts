import { expectTypeOf, test } from 'vitest';
import type { Charts as ToldCharts } from '../../src/engine/charts.ts';
import type { Charts, Job, Problem } from '../../src/page/types.ts';
import type { Job as ToldJob } from '../../src/server/jobSchema.ts';
import type { Problem as ToldProblem } from '../../src/server/problems.ts';

// The compiler checks it: the page takes no types from the floor above it, and writes down what it needs of these.
test('what the page expects of the server is what that answers', () => {
  expectTypeOf<ToldCharts>().toExtend<Charts>();
  expectTypeOf<ToldJob>().toExtend<Job>();
  expectTypeOf<ToldProblem>().toExtend<Problem>();
});
