import type { Bounds } from '../../src/testing/explore.ts';

/** What the store offers: both sides in one read; both sides in one commit too; neither. */
const STORES = {
  snapshots: { atomic: 'group' },
  together: { atomic: 'any' },
  separate: { atomic: 'entity', snapshotReads: false },
} as const;

type Scenario = Omit<Bounds, 'capabilities'>;

const there = { present: true, minds: [], workers: 1, clients: [] } as const;

/** The scenarios of docs/PROTOCOL.md: one record, and whoever is at it. */
const SCENARIOS = {
  'two workers move it, one crashes': { ...there, begin: 'completed', workers: 2, crashes: 1 },
  'an update during the copy': { ...there, begin: 'copied', workers: 2, clients: ['update'] },
  'an update during the move': { ...there, begin: 'completed', workers: 2, clients: ['update'] },
  'two updates during the move': { ...there, begin: 'completed', clients: ['update', 'update'] },
  'an update and a read during the move': { ...there, begin: 'completed', clients: ['update', 'get'] },
  'an update whose answer is lost during the move': { ...there, begin: 'completed', clients: ['update'], lost: 1 },
  'a delete during the move': { ...there, begin: 'completed', workers: 2, clients: ['delete'] },
  'a delete and a read': { ...there, begin: 'completed', clients: ['delete', 'get'] },
  'a delete and an update': { ...there, begin: 'completed', clients: ['delete', 'update'] },
  'a delete and an insert': { ...there, begin: 'completed', clients: ['delete', 'insert'] },
  'two inserts of one key': { ...there, present: false, begin: 'completed', workers: 0, clients: ['insert', 'insert'] },
  'an insert during the move': { ...there, present: false, begin: 'completed', workers: 2, clients: ['insert'] },
  'an insert whose client dies': {
    ...there,
    present: false,
    begin: 'completed',
    clients: ['insert', 'get'],
    crashes: 1,
  },
  'called home under an update': { ...there, begin: 'switched', minds: ['reverse'], clients: ['update'] },
  'called home with a crash': { ...there, begin: 'switched', minds: ['reverse'], crashes: 1 },
  'called home, two workers': { ...there, begin: 'switched', minds: ['reverse'], workers: 2 },
  'called home and sent again under a read': {
    ...there,
    begin: 'switched',
    minds: ['reverse', 'switch'],
    clients: ['get'],
  },
  'the target wavers under an update': {
    ...there,
    begin: 'switched',
    minds: ['reverse', 'switch'],
    clients: ['update'],
  },
  'a delete while reversing': {
    ...there,
    begin: 'switched',
    settled: true,
    minds: ['reverse'],
    clients: ['delete'],
  },
  'an update while reversing, two workers': {
    ...there,
    begin: 'switched',
    settled: true,
    minds: ['reverse'],
    workers: 2,
    clients: ['update'],
  },
  'an insert while reversing': {
    ...there,
    present: false,
    begin: 'switched',
    minds: ['reverse'],
    clients: ['insert', 'delete'],
  },
} as const satisfies Record<string, Scenario>;

/** Every scenario on every kind of store. */
export const BOUNDS: Readonly<Record<string, Bounds>> = Object.fromEntries(
  Object.entries(STORES).flatMap(([store, capabilities]) =>
    Object.entries(SCENARIOS).map(([name, scenario]) => [`${name}, ${store}`, { ...scenario, capabilities }]),
  ),
);
