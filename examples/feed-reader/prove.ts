import { readAckLog } from './lib/ackLog.ts';
import { folderOf, logOf, readManifest } from './lib/folder.ts';
import { DATASET } from './lib/places.ts';
import { prove } from './lib/proof.ts';
import { showProof } from './lib/report.ts';
import { Screen } from './lib/screen.ts';
import { openStore } from './lib/store.ts';

/**
 * The proof alone, of a store that a completed campaign has left. Ends with 1 when it does not hold.
 *
 *   npx jiti examples/feed-reader/prove.ts
 */
const folder = folderOf();
const manifest = readManifest(folder);
if (manifest.dataset !== DATASET) {
  console.error(`${folder} was seeded from ${manifest.dataset}, and this is ${DATASET}: they make other records.`);
  process.exit(2);
}
const screen = new Screen(process.stdout);
const store = await openStore(folder, { readOnly: true });
const bar = screen.bar(manifest.records, 'entities');
const proof = await prove(store, manifest, readAckLog(logOf(folder)), (seen) => bar.update(seen));
bar.stop();
await store.close();
showProof(screen, proof);
process.exitCode = proof.holds ? 0 : 1;
