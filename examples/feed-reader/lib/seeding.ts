import { Content, type Store } from 'handover';
import { type Manifest, writeManifest } from './folder.ts';
import { DATASET } from './places.ts';
import { contentAt, KINDS, recordAt } from './records.ts';

/** Records a transaction: fewer, larger ones write a scattered page less often. */
const BATCH = 5000;

/** Writes records 0 to N - 1 to their old homes, as the early application would have done, and what it did beside them. */
export async function seed(
  store: Store,
  folder: string,
  records: number,
  onProgress: (seeded: number) => void = () => {},
  signal?: AbortSignal,
): Promise<Manifest> {
  const users = new Set<string>();
  const kinds = Object.fromEntries(KINDS.map((kind) => [kind, 0]));
  for (let from = 0; from < records; from += BATCH) {
    signal?.throwIfAborted();
    const puts = [];
    for (let n = from; n < Math.min(from + BATCH, records); n++) {
      const record = recordAt(n);
      users.add(record.user);
      kinds[record.kind]!++;
      puts.push({ key: record.from, content: Content.of(contentAt(n)) });
    }
    await store.overwrite(puts);
    onProgress(from + puts.length);
  }
  const manifest = { records, users: users.size, kinds, dataset: DATASET };
  writeManifest(folder, manifest);
  return manifest;
}
