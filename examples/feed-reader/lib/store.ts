import type { Store } from 'handover';
import { datastoreStore } from 'handover/store/datastore';
import { lmdbStore } from 'handover/store/lmdb';

/** A campaign waits before it closes for as long as a commit may take: not for long, here. */
const DEADLINE_MS = 2000;

/** The example's store, for each of its processes: an emulator of Cloud Datastore where the environment names one, else LMDB in its folder. */
export async function openStore(folder: string, { readOnly = false } = {}): Promise<Store> {
  if (process.env['DATASTORE_EMULATOR_HOST']) return datastoreStore({ readOnly, deadlineMs: DEADLINE_MS });
  // So that what is to be applied of the inbox is found without looking at what was.
  const indexes = [{ kind: '_HandoverDelivery', property: 'status' }];
  return lmdbStore({ path: folder, readOnly, ...(readOnly ? {} : { indexes }) });
}
