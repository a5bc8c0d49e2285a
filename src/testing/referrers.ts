import type { Target } from '../../machines/moves.ts';
import { refers } from '../define/reference.ts';
import { hold, roleOf } from '../engine/pair.ts';
import { keysAt } from '../engine/referenceValues.ts';
import { HandoverError, isPassing } from '../errors.ts';
import { AUTHORITY } from '../record/authority.ts';
import { Content } from '../record/content.ts';
import type { Key } from '../record/key.ts';
import { fromPlain } from '../record/plain.ts';
import type { Store } from '../store/store.ts';
import type { SimulatedReferrer, Subject, Subjects } from './subject.ts';
import type { World } from './world.ts';

const contentOf = ({ refer }: SimulatedReferrer, to: Key): Content => Content.of(fromPlain(refer(to)));

/** What refers at the beginning: by old keys. */
export const seededReferrers = ({ referrers = [] }: Subjects, subjects: readonly Subject[]) =>
  referrers.map((each, i) => ({ key: each.key, content: contentOf(each, subjects[i % subjects.length]!.keys.S) }));

/** A client writes a reference as its instance knows the record: by its old key, or, where that is at its new home, by its new one. */
export async function writeReferrer(
  store: Store,
  world: World,
  referrers: readonly SimulatedReferrer[],
): Promise<void> {
  const { choices } = world;
  const referrer = choices.of(referrers);
  const { S, T } = choices.of(world.subjects).keys;
  const isNew = choices.below(2) === 1 && ownerOf(world, { S, T }) === 'T';
  const content = contentOf(referrer, isNew ? T : S);
  const { key } = referrer;
  try {
    const [found] = await store.read([key]);
    if (found) await store.commit([{ op: 'update', key, version: found.version, content, slot: found.slot }]);
  } catch (error) {
    if (!(error instanceof HandoverError) || !isPassing(error)) throw error;
  }
}

/** Whether anything that may refer was written since the last command or while sides were dropped, or a record was not the one that was meant. */
export const wroteLate = ({ watch, subjects }: World, { referrers = [] }: Subjects): boolean =>
  watch.deleted.size > 0 ||
  [...referrers.map(({ key }) => key), ...subjects.map(({ keys }) => keys.S)].some((key) => watch.isLate(key));

/**
 * A reference that does not lead to where its record is, at rest: but such as was written since the last command, or while
 * sides were dropped, by an instance that knows no better.
 */
export function strayReference(
  world: World,
  { migration, referrers = [] }: Subjects,
  ending: Target,
): string | undefined {
  const { watch, subjects } = world;
  const keys = [...referrers.map(({ key }) => key), ...subjects.flatMap(({ keys: { S, T } }) => [S, T])];
  for (const key of keys) {
    const entity = watch.data.get(key);
    if (!entity || watch.isLate(key) || roleOf(hold(entity)) !== 'O') continue;
    for (const { of, properties } of migration.references) {
      if (!refers({ of }, key)) continue;
      const found = properties.flatMap(({ path }) => [...keysAt(entity.content.properties, path)]);
      for (const to of found) {
        const wanted = wantedOf(world, to, ending);
        if (wanted && !wanted.equals(to)) return `${key} refers to ${to}, and the record is ${wanted}`;
      }
    }
  }
  return undefined;
}

/** The key that stands for a record, by where it lives; undefined where it does not, or is not where it is wanted. */
function wantedOf({ subjects, watch }: World, key: Key, ending: Target): Key | undefined {
  const subject = subjects.find(({ keys: { S, T } }) => S.equals(key) || T.equals(key));
  if (!subject || watch.isLeftOut(subject)) return undefined;
  const { S, T } = subject.keys;
  const at = ownerOf({ watch }, { S, T });
  // Inserted at its old home again: its new key was another record's, of which nothing is left.
  if (at === 'S' && key.equals(T) && watch.deleted.has(subject)) return undefined;
  const away = ending === 'switched' || ending === 'completed';
  return at && away === (at === 'T') ? subject.keys[at] : undefined;
}

function ownerOf({ watch }: Pick<World, 'watch'>, { S, T }: Subject['keys']): 'S' | 'T' | undefined {
  const { truth } = AUTHORITY[`${roleOf(hold(watch.data.get(S)))}${roleOf(hold(watch.data.get(T)))}`];
  return truth.kind === 'owner' && !truth.deleted ? truth.at : undefined;
}
