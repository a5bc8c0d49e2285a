import type { WireKey, WireMutation } from './wire.ts';

export type Turn = <R>(mutations: readonly WireMutation[], commit: () => Promise<R>) => Promise<R>;

/**
 * Commits of this process that share an entity group go one after the other, in the order in which they come, and all
 * others at once: for databases where they would only hinder each other, and be refused or tried again by the server.
 * Each waits for earlier ones only, so none waits in a circle.
 */
export function oneAGroup(): Turn {
  const last = new Map<string, Promise<unknown>>();
  return async (mutations, commit) => {
    const groups = new Set(mutations.map(groupOf));
    const before = new Set<Promise<unknown>>();
    for (const group of groups) {
      const other = last.get(group);
      if (other) before.add(other);
    }
    const turn = Promise.all(before).then(commit);
    const over = turn.catch(() => undefined);
    for (const group of groups) last.set(group, over);
    try {
      return await turn;
    } finally {
      for (const group of groups) if (last.get(group) === over) last.delete(group);
    }
  };
}

export const atOnce: Turn = (_, commit) => commit();

function groupOf(mutation: WireMutation): string {
  const { partitionId, path }: WireKey = mutation.delete ?? (mutation.insert ?? mutation.upsert)!.key;
  const { kind, id, name } = path[0]!;
  return `${partitionId?.namespaceId ?? ''}/${kind}/${name === undefined ? id : `=${name}`}`;
}
