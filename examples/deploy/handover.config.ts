import { defineConfig } from 'handover';
import { datastoreStore } from 'handover/store/datastore';

const { HANDOVER_DATABASE: databaseId, HANDOVER_TOKEN_SHA256: sha256 } = process.env;

export default defineConfig({
  // The project is the one of the machine's credentials, or of GOOGLE_CLOUD_PROJECT.
  store: () => datastoreStore(databaseId ? { databaseId } : {}),
  // Only `handover serve` asks who calls; without a token it serves nobody but this machine.
  ...(sha256 ? { server: { tokens: [{ name: 'operators', role: 'admin' as const, sha256 }] } } : {}),
});
