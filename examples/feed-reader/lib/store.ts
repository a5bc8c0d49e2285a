import type { Store } from 'handover';
import { datastoreStore } from 'handover/store/datastore';
import { lmdbStore } from 'handover/store/lmdb';

/** Of a test, on an emulator: a campaign waits before it closes for as long as a commit may take. */
const DEADLINE_MS = 2000;

/**
 * The example's store, for each of its processes: LMDB in its folder, or the project of Cloud Datastore that
 * `HANDOVER_DEMO_PROJECT` names, which is on an emulator if `DATASTORE_EMULATOR_HOST` says where one is.
 */
export async function openStore(folder: string, { readOnly = false } = {}): Promise<Store> {
  const projectId = process.env['HANDOVER_DEMO_PROJECT'];
  if (projectId !== undefined) {
    const onEmulator = process.env['DATASTORE_EMULATOR_HOST'] !== undefined;
    return datastoreStore({ projectId, readOnly, ...(onEmulator ? { deadlineMs: DEADLINE_MS } : {}) });
  }
  // So that what is to be applied of the inbox is found without looking at what was.
  const indexes = [{ kind: '_HandoverDelivery', property: 'status' }];
  return lmdbStore({ path: folder, readOnly, ...(readOnly ? {} : { indexes }) });
}
