import { defineConfig } from 'handover';
import { pubsubDispatch } from 'handover/dispatch/pubsub';
import { datastoreStore } from 'handover/store/datastore';

const { HANDOVER_DATABASE: databaseId, HANDOVER_TOPIC: topic, HANDOVER_TOKEN_SHA256: sha256 } = process.env;
const handedOut = (topic: string) => ({ topic, subscription: `${topic}-workers`, deadLetterTopic: `${topic}-dead` });

export default defineConfig({
  // The project is the one of the machine's credentials, or of GOOGLE_CLOUD_PROJECT.
  store: () => datastoreStore(databaseId ? { databaseId } : {}),
  // Without a topic each worker looks for its ranges by itself.
  ...(topic ? { dispatch: () => pubsubDispatch(handedOut(topic)) } : {}),
  // Only `handover serve` asks who calls; without a token it serves nobody but this machine.
  ...(sha256 ? { server: { tokens: [{ name: 'operators', role: 'admin' as const, sha256 }] } } : {}),
});
