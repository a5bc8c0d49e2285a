import type { Clock } from '../clock.ts';
import { HandoverError } from '../errors.ts';
import { Content } from '../record/content.ts';
import { type Key, key } from '../record/key.ts';
import { CHECKS } from './probeChecks.ts';
import { PROBE_KIND, type ProbeBench } from './probeSteps.ts';
import type { Mutation, Store } from './store.ts';

export interface ProbeFinding {
  readonly name: string;
  readonly ok: boolean;
  /** What was seen, and what follows from it. */
  readonly meaning: string;
}

export interface ProbeReport {
  readonly store: string;
  readonly findings: readonly ProbeFinding[];
}

/** Entities of a probe that did not end are removed by a later one; none takes as long as this. */
const ABANDONED_MS = 3_600_000;

/**
 * Makes the store prove what it declares, by provoking real conflicts on throw-away entities of kind `_HandoverProbe`
 * in one entity group of their own (and a second one, if commits may span groups). Throws `store.unsafe` when a
 * compare-and-set is ignored, a unit is torn, or a snapshot is not one: there the protocol loses data. Throws
 * `store.unknown` when an answer was lost, or a write although nobody was faster: nothing is proved, probe again.
 */
export async function probe(store: Store, clock: Clock): Promise<ProbeReport> {
  const made = new Map<string, Key>();
  const root = key(PROBE_KIND, clock.id());
  const bench: ProbeBench = {
    store,
    entity: (name) => remember(made, key(root, PROBE_KIND, name)),
    elsewhere: (name) => remember(made, key(PROBE_KIND, clock.id(), PROBE_KIND, name)),
    root,
    content: (n) =>
      Content.of(
        new Map([
          ['at', { type: 'integer', value: BigInt(clock.now()) }],
          ['n', { type: 'integer', value: BigInt(n) }],
        ]),
      ),
  };
  const findings: ProbeFinding[] = [];
  const breaches: string[] = [];
  try {
    for (const { name, rule, breach, fatal, applies, holds } of CHECKS) {
      if (applies && !applies(store.capabilities)) continue;
      const ok = await holds(bench);
      findings.push({ name, ok, meaning: ok ? rule : breach });
      if (!ok && fatal) breaches.push(breach);
    }
  } finally {
    await removeAll(store, [...made.values()]);
  }
  await removeAbandoned(store, clock);
  if (breaches.length === 0) return { store: store.capabilities.name, findings };
  throw new HandoverError('store.unsafe', `${store.capabilities.name}: ${breaches.join(' ')}`, { findings });
}

function remember(made: Map<string, Key>, each: Key): Key {
  made.set(each.toString(), each);
  return each;
}

/** Best effort: what a lost answer leaves behind, a later probe removes. */
async function removeAll(store: Store, keys: readonly Key[]): Promise<void> {
  try {
    const deletes: Mutation[] = [];
    for (const entity of await store.read(keys)) {
      if (entity) deletes.push({ op: 'delete', key: entity.key, version: entity.version });
    }
    if (deletes.length > 0) await store.commit(deletes);
  } catch {
    // The finding, or the error, that the caller is about to get matters more.
  }
}

async function removeAbandoned(store: Store, clock: Clock): Promise<void> {
  const { entities } = await store.scan({ namespace: '', kind: PROBE_KIND }, store.capabilities.maxMutations);
  const old = entities.filter(({ content }) => {
    const at = content.properties.get('at');
    return at?.type === 'integer' && Number(at.value) < clock.now() - ABANDONED_MS;
  });
  await removeAll(
    store,
    old.map((entity) => entity.key),
  );
}
