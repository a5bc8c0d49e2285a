import { v1 } from '@google-cloud/datastore';

/** Counts what is sent to Cloud Datastore by anyone in this process: by the engine, and by the library's own client. */
const made = { rpcs: 0, writes: 0, deletes: 0 };

export const callsMade = () => ({ ...made });

interface Sent {
  readonly mutations?: readonly { readonly delete?: unknown }[];
}
type Call = (this: unknown, request: Sent, ...rest: unknown[]) => unknown;

const calls = v1.DatastoreClient.prototype as unknown as Record<string, Call>;
for (const name of ['lookup', 'runQuery', 'beginTransaction', 'commit', 'rollback']) {
  const call = calls[name]!;
  calls[name] = function (request, ...rest) {
    made.rpcs++;
    for (const mutation of request.mutations ?? []) made[mutation.delete ? 'deletes' : 'writes']++;
    return call.call(this, request, ...rest);
  };
}
