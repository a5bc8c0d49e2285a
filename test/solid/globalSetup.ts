import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestProject } from 'vitest/node';
import { systemClock } from '../../src/clock.ts';
import { messageOf } from '../../src/errors.ts';
import { serverProgram } from './install.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the Solid server is, or why there is none. */
    readonly solid: { readonly origin: string } | { readonly missing: string };
  }
}

const START_MS = 180_000;

/** A Solid server that others have written, in memory, for a whole run. */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  let program: string;
  try {
    program = serverProgram();
  } catch (error) {
    const missing = messageOf(error);
    if (process.env['CI'] === 'true') throw new Error(`The tests with a Solid server cannot run: ${missing}.`);
    console.warn(`The tests with a Solid server are skipped, for it cannot be installed: ${missing}.`);
    project.provide('solid', { missing });
    return undefined;
  }
  const origin = `http://127.0.0.1:${await freePort()}`;
  const args = [
    program,
    '-c',
    '@css:config/default.json',
    '-p',
    new URL(origin).port,
    '-b',
    `${origin}/`,
    '-l',
    'warn',
  ];
  const server = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  server.stderr.on('data', (piece) => {
    said = `${said}${piece}`.slice(-2000);
  });
  const stop = async () => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const gone = once(server, 'exit');
    server.kill('SIGKILL');
    await gone;
  };
  try {
    await answers(origin, server, () => said);
  } catch (error) {
    await stop();
    throw error;
  }
  project.provide('solid', { origin });
  return stop;
}

async function answers(origin: string, server: ChildProcess, said: () => string): Promise<void> {
  const deadline = systemClock.now() + START_MS;
  for (;;) {
    const up = await fetch(origin).then(
      () => true,
      () => false,
    );
    if (up) return;
    if (server.exitCode !== null || systemClock.now() > deadline) {
      throw new Error(`The Solid server does not answer: ${said()}`);
    }
    await systemClock.sleep(200);
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
