import type { Store } from 'handover';
import { lmdbStore } from 'handover/store/lmdb';

/** An emulator of Cloud Datastore where the environment names one, as the client library's users do; else LMDB. */
export async function openStore(folder: string): Promise<Store> {
  if (!process.env['DATASTORE_EMULATOR_HOST']) return lmdbStore({ path: folder });
  const { datastoreStore } = await import('handover/store/datastore');
  // A campaign waits before it closes for as long as a commit may take: not for long, here.
  return datastoreStore({ deadlineMs: 2000 });
}
