import type { Clock } from '../../clock.ts';
import { HandoverError, messageOf } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';
import type { Content } from '../../record/content.ts';
import { errorOf, failureOf, isRepeatable } from './failures.ts';
import type {
  CommitRequest,
  LookupRequest,
  LookupResponse,
  QueryBatch,
  QueryRequest,
  WireMutationResult,
  WireProperties,
} from './wire.ts';

export interface ConnectionOptions {
  /** Default: the environment's GOOGLE_CLOUD_PROJECT, GCLOUD_PROJECT or DATASTORE_PROJECT_ID, then the credentials'. */
  readonly projectId?: string;
  /** Default: the project's default database. */
  readonly databaseId?: string;
  /** `host:port` of an emulator. Default: the environment's DATASTORE_EMULATOR_HOST. */
  readonly emulatorHost?: string;
  /** Milliseconds after which a call is given up. */
  readonly deadlineMs?: number;
  /** Of a service account. Default: what Google's libraries find by themselves. */
  readonly keyFilename?: string;
  readonly credentials?: { readonly client_email: string; readonly private_key: string };
}

/** The calls that are made. Reads are repeated, `LIMITS.callAttempts` times at most; a commit is sent once. */
export interface Connection {
  readonly projectId: string;
  readonly databaseId: string;
  readonly isEmulator: boolean;
  /** Of one call. */
  readonly deadlineMs: number;
  /** The wire forms of contents that were read or written here: see entities.ts. */
  readonly forms: WeakMap<Content, WireProperties>;
  /** For messages: which database. */
  readonly where: string;
  lookup(request: LookupRequest): Promise<LookupResponse>;
  runQuery(request: QueryRequest): Promise<QueryBatch>;
  /** For what is made of several calls, and must be begun anew when one of them fails: those are sent once. */
  repeat<T>(read: (lookup: Connection['lookup']) => Promise<T>): Promise<T>;
  beginReadOnly(): Promise<Uint8Array>;
  rollback(transaction: Uint8Array): Promise<void>;
  /** Rejects with what the library threw: see `failureOf`. */
  commit(request: CommitRequest): Promise<readonly WireMutationResult[]>;
  close(): Promise<void>;
}

/** Of the generated client, which loses nothing; the high-level one turns 1.0 into 1 and drops index flags. */
interface WireClient {
  lookup(request: object, options: object): Promise<[LookupResponse]>;
  runQuery(request: object, options: object): Promise<[{ readonly batch: QueryBatch }]>;
  commit(request: object, options: object): Promise<[{ readonly mutationResults: readonly WireMutationResult[] }]>;
  beginTransaction(request: object, options: object): Promise<[{ readonly transaction: Uint8Array }]>;
  rollback(request: object, options: object): Promise<unknown>;
  getProjectId(): Promise<string>;
  close(): Promise<void>;
}

const DRIVER = '@google-cloud/datastore';

export async function connect(options: ConnectionOptions, clock: Clock): Promise<Connection> {
  const emulatorHost = options.emulatorHost ?? process.env['DATASTORE_EMULATOR_HOST'];
  const client = await clientOf(options, emulatorHost);
  const projectId = await projectOf(options, client, emulatorHost);
  const { databaseId = '' } = options;
  const where = `${emulatorHost ? `emulator ${emulatorHost}, ` : ''}project ${projectId}${databaseId && `, database ${databaseId}`}`;
  const database = { projectId, databaseId };
  const { deadlineMs = LIMITS.callMs } = options;
  const settings = once(deadlineMs);
  const lookup = async (request: LookupRequest) => (await client.lookup({ ...database, ...request }, settings))[0];
  const read = <T>(call: () => Promise<T>) => repeated(call, clock, where);
  return {
    ...database,
    isEmulator: emulatorHost !== undefined,
    deadlineMs,
    forms: new WeakMap(),
    where,
    lookup: (request) => read(() => lookup(request)),
    repeat: (steps) => read(() => steps(lookup)),
    runQuery: (request) => read(async () => (await client.runQuery({ ...database, ...request }, settings))[0].batch),
    beginReadOnly: async () => (await client.beginTransaction({ ...database, ...READ_ONLY }, settings))[0].transaction,
    rollback: async (transaction) => {
      await client.rollback({ ...database, transaction }, settings);
    },
    commit: async (request) => (await client.commit({ ...database, ...request }, settings))[0].mutationResults,
    close: () => client.close(),
  };
}

/** One attempt and its deadline: left to itself, the library repeats reads for ten minutes. */
function once(deadlineMs: number): object {
  const backoffSettings = {
    initialRetryDelayMillis: LIMITS.callPauseMs,
    retryDelayMultiplier: 2,
    maxRetryDelayMillis: deadlineMs,
    initialRpcTimeoutMillis: deadlineMs,
    rpcTimeoutMultiplier: 1,
    maxRpcTimeoutMillis: deadlineMs,
    totalTimeoutMillis: deadlineMs,
  };
  return { timeout: deadlineMs, retry: { retryCodes: [], backoffSettings } };
}

const READ_ONLY = { transactionOptions: { readOnly: {} } };

async function repeated<T>(call: () => Promise<T>, clock: Clock, where: string): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call();
    } catch (thrown) {
      if (attempt === LIMITS.callAttempts || !isRepeatable(failureOf(thrown))) throw errorOf(thrown, where);
      await pause(clock, attempt);
    }
  }
}

/** Doubles with each attempt; half of it is chance, so that rivals do not keep step. */
export function pause(clock: Clock, attempt: number): Promise<void> {
  const chance = Number.parseInt(clock.id(1), 16) / 255;
  return clock.sleep(LIMITS.callPauseMs * 2 ** attempt * (0.5 + (chance || 0) / 2));
}

async function clientOf(options: ConnectionOptions, emulatorHost: string | undefined): Promise<WireClient> {
  const { Datastore, v1 } = await driver();
  const { projectId, keyFilename, credentials } = options;
  // The high-level client, which is dropped at once, knows how to speak to an emulator. With the universe named, nobody
  // asks a metadata server for it.
  const { options: resolved } = new Datastore({
    universeDomain: 'googleapis.com',
    ...(projectId === undefined ? {} : { projectId }),
    ...(emulatorHost === undefined ? {} : { apiEndpoint: emulatorHost }),
    ...(keyFilename === undefined ? {} : { keyFilename }),
    ...(credentials === undefined ? {} : { credentials }),
  });
  return new v1.DatastoreClient(resolved as object) as unknown as WireClient;
}

/** Loaded when a store of this kind is opened, and not before: it is no dependency of those who have another one. */
async function driver(): Promise<typeof import('@google-cloud/datastore')> {
  try {
    const loaded = await import(DRIVER);
    return loaded.v1 ? loaded : loaded.default;
  } catch (cause) {
    const detail = `${DRIVER} 10 or 11 cannot be loaded: ${messageOf(cause).split('\n')[0]}.`;
    throw new HandoverError('store.driver', detail, { package: DRIVER }, { cause });
  }
}

async function projectOf(options: ConnectionOptions, client: WireClient, emulatorHost?: string): Promise<string> {
  const { env } = process;
  const named =
    options.projectId ?? env['GOOGLE_CLOUD_PROJECT'] ?? env['GCLOUD_PROJECT'] ?? env['DATASTORE_PROJECT_ID'];
  if (named) return named;
  if (emulatorHost !== undefined) {
    throw new HandoverError(
      'config.invalid',
      'An emulator was named, and no project: pass `projectId`, any name will do.',
    );
  }
  try {
    return await client.getProjectId();
  } catch (thrown) {
    throw errorOf(thrown, 'no `projectId` was given, and the credentials name none');
  }
}
