import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A directory of its own; whoever asks for it removes it. */
export const tempDir = (): string => mkdtempSync(join(tmpdir(), 'handover-lmdb-'));
