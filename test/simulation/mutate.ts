import type { Mutant } from './mutants.ts';

/** A loader of modules that makes one change to one of them: registered by canary.ts, in a process of its own. */
let mutant: Mutant;

export function initialize(given: Mutant): void {
  mutant = given;
}

interface Loaded {
  readonly format: string;
  readonly source?: string | ArrayBufferView;
}

type NextLoad = (url: string, context: unknown) => Promise<Loaded>;

export async function load(url: string, context: unknown, nextLoad: NextLoad): Promise<Loaded> {
  const loaded = await nextLoad(url, context);
  if (!url.endsWith(`/dist/${mutant.file}`)) return loaded;
  const parts = String(loaded.source).split(mutant.find);
  if (parts.length !== 2) throw new Error(`${mutant.file} has ${parts.length - 1} times: ${mutant.find}`);
  return { ...loaded, source: parts.join(mutant.put) };
}
