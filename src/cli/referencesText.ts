import type { PlanReport } from '../engine/planReport.ts';
import type { VerifyReport } from '../engine/verifyReport.ts';
import { count, many } from './format.ts';

/** Keys of records that move where no rule says so: an author may have forgotten them. */
export function undeclaredText({ undeclared = [] }: Pick<PlanReport, 'undeclared'>): string {
  if (undeclared.length === 0) return '';
  const lines = undeclared.map(
    ({ kind, property, to, count: n, sampled, sample }) =>
      `  ${kind} ${property}: keys of ${to} in ${count(n)} of ${entitiesOf(sampled)}, as in ${sample}`,
  );
  return ['Keys of records that move, in properties that `references` do not mention:', ...lines].join('\n');
}

export function planReferencesText({ references = [] }: Pick<PlanReport, 'references'>): string {
  if (references.length === 0) return '';
  const lines = references.flatMap(({ kind, properties, entities, reads, writes, dangling, samples }) => [
    `  ${kind} ${properties.join(', ')}: ${entitiesOf(entities)}; ${many(reads, 'read')} a sweep, ${many(writes, 'write')}`,
    ...(dangling > 0 ? [`    ${many(dangling, 'key')} at which nothing stands: ${samples.join(', ')}`] : []),
  ]);
  return ['References, not in the costs above:', '', ...lines].join('\n');
}

export function verifyReferencesText({ references, samples }: VerifyReport): string {
  if (!references) return '';
  const { referring, stale, dangling, unchecked } = references;
  const list = (keys: readonly string[] = []) => keys.map((key) => `  ${key}`);
  const lines = [
    `${entitiesOf(referring)} that may refer to records.`,
    ...(stale > 0
      ? [`${many(stale, 'reference')} to a key that the record has left`, ...list(samples['staleReferences'])]
      : []),
    ...(dangling > 0
      ? [`${many(dangling, 'reference')} to no record in either home`, ...list(samples['dangling'])]
      : []),
    ...(unchecked > 0 ? [`${count(unchecked)} of them were too many to remember: their records may have moved`] : []),
  ];
  return lines.join('\n');
}

const entitiesOf = (n: number): string => many(n, 'entity', 'entities');
