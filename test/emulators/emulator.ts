import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Sdk } from './sdk.ts';

export const MODES = ['legacy', 'firestoreMode', 'firestore'] as const;

/**
 * - `legacy`: Datastore as it was, whose queries lag behind
 * - `firestoreMode`: the same program, as Firestore in Datastore mode
 * - `firestore`: the Firestore emulator, in Datastore mode
 */
export type Mode = (typeof MODES)[number];

export interface Emulator {
  readonly host: string;
  readonly pid: number;
  /** Forgets everything. */
  reset(): Promise<void>;
  stop(): Promise<void>;
}

const READY_MS = 60_000;
const END_MS = 5_000;
const DATASTORE = 'com.google.cloud.datastore.emulator.CloudDatastore';
const FIRESTORE = 'com.google.cloud.datastore.emulator.firestore.CloudFirestore';

/**
 * How it is to be used. Tests want it soon. Under load it is to be fast, and to have room: it keeps much of what was
 * overwritten and deleted, and for half a minute all that a query looked at; with a full heap it does little but collect
 * garbage.
 */
const JAVA = {
  tests: ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xmx768m'],
  load: ['-XX:+UseG1GC', '-XX:MaxRAMPercentage=70'],
} as const;

export async function startEmulator(mode: Mode, sdk: Sdk, use: keyof typeof JAVA = 'tests'): Promise<Emulator> {
  const program = mode === 'firestore' ? [sdk.firestore, FIRESTORE] : [sdk.datastore, DATASTORE];
  return start(mode, [...JAVA[use], '-cp', ...program, 'start'], FLAGS[mode]);
}

/** Of Cloud Pub/Sub. It forgets nothing but by its end. */
export const startPubsub = (jar: string): Promise<Emulator> => start('Pub/Sub', [...JAVA.tests, '-jar', jar], []);

/** The jar itself: the wrapper of gcloud leaves its Java behind when it is killed. */
async function start(name: string, program: readonly string[], flags: readonly string[]): Promise<Emulator> {
  const port = await freePort();
  const host = `127.0.0.1:${port}`;
  const java = [...program, '--host=127.0.0.1', `--port=${port}`, ...flags];
  // They write files of their own where they are started.
  const folder = mkdtempSync(join(tmpdir(), 'handover-emulator-'));
  const child = spawnTied(folder, 'java', java);
  const said: string[] = [];
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (text) => said.push(String(text)));
  const emulator: Emulator = {
    host,
    pid: child.pid!,
    reset: async () => {
      await fetch(`http://${host}/reset`, { method: 'POST' });
    },
    stop: () => stop(child, host).finally(() => rmSync(folder, { recursive: true, force: true })),
  };
  try {
    await untilReady(child, host);
  } catch (cause) {
    await emulator.stop();
    throw new Error(`The ${name} emulator did not start: ${said.join('').slice(-2000)}`, { cause });
  }
  return emulator;
}

const FLAGS: Readonly<Record<Mode, readonly string[]>> = {
  legacy: ['--store_on_disk=False', '--consistency=0.9'],
  firestoreMode: ['--store_on_disk=False', '--firestore_in_datastore_mode'],
  firestore: ['--database-mode=datastore-mode'],
};

/** A child that the kernel ends with its parent, where that can be had; else it ends as soon as it is told to. */
function spawnTied(cwd: string, command: string, args: readonly string[]): ChildProcess {
  const tied = process.platform === 'linux' && spawnSync('setpriv', ['--version'], { stdio: 'ignore' }).status === 0;
  const [program, ...rest] = tied ? ['setpriv', '--pdeathsig', 'KILL', command, ...args] : [command, ...args];
  const child = spawn(program!, rest, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  // Tests must end although an emulator still runs.
  child.unref();
  return child;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address !== 'object' || !address) throw new Error('no port');
  return address.port;
}

/** Its port answers, and it is our own child that does: on a port that is taken a child ends, and another one answers. */
async function untilReady(child: ChildProcess, host: string): Promise<void> {
  const deadline = Date.now() + READY_MS;
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error('it ended');
    const answer = await fetch(`http://${host}/`).then(
      (response) => response.text(),
      () => '',
    );
    if (answer.trim() === 'Ok') break;
    if (Date.now() > deadline) throw new Error(`no answer in ${READY_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  if (child.exitCode !== null) throw new Error('it ended, and something else answers on its port');
}

async function stop(child: ChildProcess, host: string): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  await fetch(`http://${host}/shutdown`, { method: 'POST', signal: AbortSignal.timeout(END_MS) }).catch(
    () => undefined,
  );
  const timer = setTimeout(() => child.kill('SIGKILL'), END_MS);
  await ended;
  clearTimeout(timer);
}
