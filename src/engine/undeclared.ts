import { matches } from '../define/entity.ts';
import type { Migration } from '../define/migration.ts';
import { refers } from '../define/reference.ts';
import { LIMITS } from '../limits.ts';
import type { Properties } from '../record/value.ts';
import type { Entity, Store } from '../store/store.ts';
import { isControl } from './documents.ts';
import type { Undeclared } from './referencesReport.ts';
import { allKeys } from './referenceValues.ts';

/**
 * Where entities hold keys of records that move, and no rule says so: a sample of every kind that the store knows of, or,
 * where it cannot tell, of the migration's own.
 */
export async function undeclaredIn(store: Store, migration: Migration, signal?: AbortSignal): Promise<Undeclared[]> {
  if (migration.records.length === 0) return [];
  const found = new Map<string, Undeclared>();
  for (const kind of await kindsOf(store, migration)) {
    if (signal?.aborted) break;
    const range = { namespace: migration.namespace, kind };
    const entities: Entity[] = [];
    for (const piece of await store.split(range, LIMITS.undeclaredPieces)) {
      if (entities.length >= LIMITS.undeclaredSample) break;
      const { undeclaredSample, undeclaredPieces } = LIMITS;
      entities.push(...(await store.scan(piece, Math.ceil(undeclaredSample / undeclaredPieces))).entities);
    }
    for (const entity of entities) note(found, entity, entities.length, migration);
  }
  return [...found.values()];
}

async function kindsOf(store: Store, { namespace, records, references }: Migration): Promise<readonly string[]> {
  const known = await store.kinds?.(namespace);
  const paths = [...records.flatMap(({ from, into }) => [from, into]), ...references.map(({ of }) => of)];
  const kinds = known ?? [...new Set(paths.map((path) => path[path.length - 1]!))];
  return kinds.filter((kind) => !isControl(kind) && !kind.startsWith('__')).slice(0, LIMITS.undeclaredKinds);
}

function note(found: Map<string, Undeclared>, entity: Entity, sampled: number, migration: Migration): void {
  const kind = entity.key.path.map((element) => element.kind).join('/');
  const counted = new Set<string>();
  for (const { path, key } of allKeys(propertiesOf(entity))) {
    const rule = migration.records.find(({ from }) => key.namespace === migration.namespace && matches(from, key));
    if (!rule) continue;
    const property = path.join('.');
    const declared = migration.references.some(
      (each) =>
        refers(each, entity.key) &&
        each.properties.some(({ path: of, to }) => to === rule && of.join('.') === property),
    );
    const to = rule.from.join('/');
    const name = `${kind} ${property} ${to}`;
    if (declared || counted.has(name)) continue;
    counted.add(name);
    const before = found.get(name) ?? { kind, property, to, count: 0, sampled, sample: entity.key.toString() };
    found.set(name, { ...before, count: before.count + 1 });
  }
}

/** Content that does not decode holds nothing. */
function propertiesOf({ content }: Entity): Properties {
  try {
    return content.properties;
  } catch {
    return new Map();
  }
}
