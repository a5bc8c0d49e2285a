#!/usr/bin/env -S node --max-semi-space-size=64
// A page of records lives just too long for V8's default young generation: with room for several, a worker collects half
// as much garbage.
import { processIo } from './io.ts';
import { run } from './run.ts';

// A reader that has seen enough (`| head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

const code = await run(process.argv.slice(2), processIo());
// A connection that the user's configuration left open must not keep the process; what was printed must get out first.
process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));
