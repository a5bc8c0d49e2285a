import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where the emulators' jars are, and Java. They come with the Google Cloud SDK. */
export interface Sdk {
  readonly datastore: string;
  readonly firestore: string;
  /** Unset where that one is not there. */
  readonly pubsub?: string;
}

const DATASTORE = 'platform/cloud-datastore-emulator/CloudDatastore.jar';
const FIRESTORE = 'platform/cloud-firestore-emulator/cloud-firestore-emulator.jar';
const PUBSUB = 'platform/pubsub-emulator/lib';
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
export const GET_PUBSUB =
  'the emulator of Cloud Pub/Sub is not there: `gcloud components install pubsub-emulator`, or the package ' +
  'google-cloud-cli-pubsub-emulator';
const GET_JARS =
  'the emulators of the Google Cloud SDK are not there: `gcloud components install cloud-datastore-emulator ' +
  'cloud-firestore-emulator`, or the packages google-cloud-cli-datastore-emulator and google-cloud-cli-firestore-emulator; ' +
  'CLOUDSDK_ROOT names the folder of an SDK elsewhere';

/** Or what is missing, and how to get it. */
export function findSdk(): Sdk | string {
  if (spawnSync('java', ['-version'], { stdio: 'ignore' }).status !== 0) return GET_JAVA;
  const root = [...namedRoots(), ...USUAL].find(hasEmulators) ?? [rootByGcloud()].find(hasEmulators);
  if (root === undefined) return GET_JARS;
  const pubsub = pubsubIn(join(root, PUBSUB));
  return { datastore: join(root, DATASTORE), firestore: join(root, FIRESTORE), ...(pubsub ? { pubsub } : {}) };
}

/** Its version is in its name. */
function pubsubIn(folder: string): string | undefined {
  const jar = existsSync(folder) && readdirSync(folder).find((name) => /^cloud-pubsub-emulator-.*\.jar$/.test(name));
  return jar ? join(folder, jar) : undefined;
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
