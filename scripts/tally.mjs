#!/usr/bin/env node
// Prints `N passed, N failed` (and `, N skipped`) from what the test run left behind: a plain last line for machines.
// Prints nothing where no test ran to a result.
import { existsSync, readFileSync } from 'node:fs';

const [file] = process.argv.slice(2);
if (file && existsSync(file)) {
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(
    readFileSync(file, 'utf8'),
  );
  // A file that could not even be loaded counts as a failure too, though none of its tests is known.
  const broken = testResults.filter(({ status, assertionResults }) => status === 'failed' && !assertionResults.length);
  const skipped = numPendingTests + numTodoTests;
  const failed = numFailedTests + broken.length;
  console.log(`${numPassedTests} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}`);
}
