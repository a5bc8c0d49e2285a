import type { Mutant } from './mutants.ts';

/** Known-wrong variants of the view in which records inside others are records of their own. */
export const PART_MUTANTS: Readonly<Record<string, Mutant>> = {
  partVersionsReturn: {
    what: 'a part’s version is told by its content alone, and comes back with it',
    file: 'src/store/parts/box.js',
    find: '{entry.base}.',
    put: '{entry.id}.',
    within: 900,
    subjects: 'parts',
  },
  partUnchecked: {
    what: 'a part is replaced whatever its version is, as long as nobody else writes its container just then',
    file: 'src/store/parts/box.js',
    find: 'there?.version !== mutation.version',
    put: '!there',
    within: 200,
    subjects: 'parts',
  },
  siblingDropped: {
    what: 'of two parts that are written into one container at once, only the last one is',
    file: 'src/store/parts/commit.js',
    find: 'next.get(name) ?? boxes.get(name)',
    put: 'boxes.get(name)',
    within: 200,
    subjects: 'parts',
  },
};
