import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where the emulators' jars are, and Java. They come with the Google Cloud SDK. */
export interface Sdk {
  readonly datastore: string;
  readonly firestore: string;
}

const DATASTORE = 'platform/cloud-datastore-emulator/CloudDatastore.jar';
const FIRESTORE = 'platform/cloud-firestore-emulator/cloud-firestore-emulator.jar';
const USUAL = [
  '/usr/lib/google-cloud-sdk',
  '/usr/share/google-cloud-sdk',
  '/usr/local/google-cloud-sdk',
  '/opt/google-cloud-sdk',
  '/snap/google-cloud-cli/current',
  '/opt/homebrew/share/google-cloud-sdk',
  '/usr/local/share/google-cloud-sdk',
  join(homedir(), 'google-cloud-sdk'),
];

const GET_JAVA = 'Java 17 or later is not on the PATH: get it from https://adoptium.net';
const GET_JARS =
  'the emulators of the Google Cloud SDK are not there: `gcloud components install cloud-datastore-emulator ' +
  'cloud-firestore-emulator`, or the packages google-cloud-cli-datastore-emulator and google-cloud-cli-firestore-emulator; ' +
  'CLOUDSDK_ROOT names the folder of an SDK elsewhere';

/** Or what is missing, and how to get it. */
export function findSdk(): Sdk | string {
  if (spawnSync('java', ['-version'], { stdio: 'ignore' }).status !== 0) return GET_JAVA;
  const root = [...namedRoots(), ...USUAL].find(hasEmulators) ?? [rootByGcloud()].find(hasEmulators);
  return root === undefined ? GET_JARS : { datastore: join(root, DATASTORE), firestore: join(root, FIRESTORE) };
}

const namedRoots = (): string[] =>
  [process.env['CLOUDSDK_ROOT'], process.env['CLOUDSDK_ROOT_DIR']].flatMap((root) => root ?? []);

const hasEmulators = (root: string): boolean =>
  root !== '' && existsSync(join(root, DATASTORE)) && existsSync(join(root, FIRESTORE));

/** Slow, so the last one to be asked. */
function rootByGcloud(): string {
  const { stdout } = spawnSync('gcloud', ['info', '--format=value(installation.sdk_root)'], { encoding: 'utf8' });
  return stdout?.trim() ?? '';
}
