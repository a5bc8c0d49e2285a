import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { STAGES } from '../../machines/campaign.ts';
import * as commands from '../../src/admin/commands.ts';
import { EXIT, exitOf } from '../../src/cli/exitCodes.ts';
import { VERBS } from '../../src/cli/verbs/index.ts';
import { systemClock } from '../../src/clock.ts';
import { type EntityDefinition, entity } from '../../src/define/entity.ts';
import { defineMigration, type MigrationDefinition } from '../../src/define/migration.ts';
import { KINDS } from '../../src/engine/documents.ts';
import { verify } from '../../src/engine/verify.ts';
import { ERRORS, type ErrorCode, HandoverError } from '../../src/errors.ts';
import { LIMITS } from '../../src/limits.ts';
import { Key, key } from '../../src/record/key.ts';
import { GeoPoint, Timestamp, toPlain } from '../../src/record/plain.ts';
import { decodeSlot, encodeSlot } from '../../src/record/slot.ts';
import type { Typed } from '../../src/record/value.ts';
import { memoryStore } from '../../src/store/memory.ts';
import { PROTOCOLS } from '../../src/webhooks/identities.ts';
import { DELIVERY_STATES } from '../../src/webhooks/inboxLook.ts';
import { BOUNDS } from '../simulation/bounds.ts';
import { blocksOf, loggedEvents, PAGES, REPOSITORY, sectionOf, tableBelow, tablesBelow, textOf } from './pages.ts';

const OPERATING = 'docs/operating.md';
const SUBSCRIPTIONS = 'docs/subscriptions.md';
const ARCHITECTURE = 'docs/ARCHITECTURE.md';
const AUTHORING = 'docs/authoring.md';
const ERRORS_PAGE = 'docs/errors.md';

const nameOf = (usage: string): string => usage.split(' ')[0]!;
const verbs = VERBS.map(({ usage }) => nameOf(usage));

/** The verbs' own options, by long flag. */
function optionsOf(verb: (typeof VERBS)[number]): string[] {
  const command = new Command(nameOf(verb.usage));
  verb.configure?.(command);
  return command.options.map(({ long }) => long!);
}

const EVERYWHERE = ['--config', '--json'];

describe('the command line', () => {
  test('every verb is described, in its order or another', () => {
    expect(
      tableBelow(OPERATING, 'Verbs')
        .map(([verb]) => verb)
        .sort(),
    ).toEqual([...verbs].sort());
  });

  test('every option is listed with the verbs that take it', () => {
    const takenBy = new Map<string, string[]>(EVERYWHERE.map((option) => [option, ['every verb']]));
    for (const verb of VERBS) {
      for (const option of optionsOf(verb)) takenBy.set(option, [...(takenBy.get(option) ?? []), nameOf(verb.usage)]);
    }
    const listed = tableBelow(OPERATING, 'Options').map(([option, who]) => [option, who!.split(', ').sort()]);
    expect(Object.fromEntries(listed)).toEqual(
      Object.fromEntries([...takenBy].map(([option, who]) => [option, who.sort()])),
    );
  });

  test('every exit code has its meaning', () => {
    expect(tableBelow(OPERATING, 'Exit codes')).toEqual(
      Object.values(EXIT).map(({ code, meaning }) => [String(code), meaning]),
    );
  });

  test.each(PAGES)('what %s says to type is a command with options that it takes', (page) => {
    const wrong = typedIn(textOf(page)).filter(({ verb, options }) => !takes(verb, options));
    expect(wrong).toEqual([]);
  });

  test('a verb or an option that there is not would be found', () => {
    const [made] = typedIn('so `npx handover move --fast` it');
    expect(made).toEqual({ verb: 'move', options: ['--fast'] });
    expect(takes('move', [])).toBe(false);
    expect(takes('start', ['--fast'])).toBe(false);
    expect(takes('start', ['--share', '--json'])).toBe(true);
  });
});

/** Every `handover VERB --option …` in code, in a line of its own or within one. */
function typedIn(text: string): { verb: string; options: string[] }[] {
  const code = [...text.matchAll(/`(?:npx )?(handover [^`\n]+)`/g), ...text.matchAll(/^\$ (?:npx )?(handover .+)$/gm)];
  return code.map(([, line]) => {
    const [, verb, ...rest] = line!.split(/\s+/);
    return { verb: verb!, options: rest.filter((word) => word.startsWith('--')) };
  });
}

function takes(name: string, options: readonly string[]): boolean {
  if (['help', '--help', '--version'].includes(name)) return options.length === 0;
  const verb = VERBS.find(({ usage }) => nameOf(usage) === name);
  return verb !== undefined && options.every((option) => [...EVERYWHERE, ...optionsOf(verb)].includes(option));
}

test('every number of verify is explained', async () => {
  const store = memoryStore();
  const rule = entity({ from: 'A', into: 'B/A', to: () => key('B', 1, 'A', 1) });
  const migration = defineMigration({ name: 'a', version: 1, records: [rule] });
  const context = { store, migrations: [migration], clock: systemClock, by: 'test' };
  const {
    campaign: _,
    at: __,
    samples: ___,
    ...numbers
  } = await verify(store, migration, await commands.start(context, 'a'), context);
  expect(tableBelow(OPERATING, 'Verify, number by number').map(([name]) => name)).toEqual(Object.keys(numbers));
});

test('every window of a protocol is the one that it has', () => {
  const rows = Object.entries(PROTOCOLS).map(
    ([
      protocol,
      {
        keepDays,
        oldUrl: { from, days },
      },
    ]) => [protocol, String(keepDays), `${days} d after ${from === 'switch' ? 'the switch' : 'its lease ends'}`],
  );
  const listed = tableBelow(SUBSCRIPTIONS, 'How long identities are kept');
  expect(listed.map(([name, days, kept]) => [name, days!.split(';')[0], kept])).toEqual(rows);
});

test('every state of a delivery is explained', () => {
  expect(tableBelow(OPERATING, 'Deliveries').map(([state]) => state)).toEqual([...DELIVERY_STATES]);
});

test('every stage is named', () => {
  for (const stage of STAGES.filter((each) => each !== 'draft'))
    expect(sectionOf(OPERATING, 'Stages and gates')).toContain(`\`${stage}\``);
});

describe('errors', () => {
  const rows = tableBelow(ERRORS_PAGE, 'Errors');

  /** `npx vitest run test/docs -u` writes it. Which codes set a record aside is said by hand, in the page. */
  test('are listed as the code has them, with their exit codes', async () => {
    const aside = new Map(rows.map(([code, , quarantines]) => [code, quarantines]));
    const table = Object.entries(ERRORS).map(([code, text]) => {
      const { code: ends } = EXIT[exitOf(new HandoverError(code as ErrorCode, ''))];
      return `| \`${code}\` | ${text.replaceAll('|', '\\|')} | ${aside.get(code) ?? ''} | ${ends} |\n`;
    });
    const page = textOf(ERRORS_PAGE).replace(/^(?:\| `[^`]+` \|.*\n)+/m, () => table.join(''));
    await expect(page).toMatchFileSnapshot(join(REPOSITORY, ERRORS_PAGE));
  });

  test('what sets a record aside is the same for operators and authors', () => {
    const causes = tableBelow(AUTHORING, 'What sets a record aside').flatMap(([codes]) => codes!.split(', '));
    const listed = rows.filter(([, , quarantines]) => quarantines === 'yes').map(([code]) => code!);
    expect(causes.sort()).toEqual(listed.sort());
  });

  test('no page names a code that there is not', () => {
    const told = new Set<string>(loggedEvents());
    const families = new Set(Object.keys(ERRORS).map((code) => code.split('.')[0]));
    for (const page of PAGES) {
      const named = [...textOf(page).matchAll(/`([a-z]+)\.([a-zA-Z]+)`/g)].filter(([, family]) =>
        families.has(family!),
      );
      const unknown = named
        .map(([, family, name]) => `${family}.${name}`)
        .filter((code) => !(code in ERRORS || told.has(code)));
      expect(unknown, page).toEqual([]);
    }
  });
});

describe('the architecture', () => {
  test('every limit has its value', () => {
    expect(tableBelow(ARCHITECTURE, 'Limits').map(([name, value]) => [name, Number(value)])).toEqual(
      Object.entries(LIMITS),
    );
  });

  test('every document has its kind', () => {
    const rows = tableBelow(ARCHITECTURE, 'Control documents').map(([name, kind]) => [name, kind]);
    expect(Object.fromEntries(rows)).toEqual(KINDS);
  });

  test('every capability is listed', () => {
    const listed = tableBelow(ARCHITECTURE, 'The store port').map(([name]) => name!);
    expect(listed.sort()).toEqual(Object.keys(memoryStore().capabilities).sort());
  });

  test('the slot that is shown is one, and each of its fields is explained', () => {
    const [shown] = blocksOf(ARCHITECTURE).filter(({ language }) => language === 'json');
    expect(encodeSlot(decodeSlot(shown!.text))).toBe(shown!.text);
    const fields = tableBelow(ARCHITECTURE, 'The slot').map(([field]) => field);
    expect(fields).toEqual(Object.keys(JSON.parse(shown!.text)));
  });
});

test('the bounds of the explorer are those that it has', () => {
  const all = Object.values(BOUNDS);
  const most = {
    workers: Math.max(...all.map(({ workers }) => workers)),
    clients: Math.max(...all.map(({ clients }) => clients.length)),
    'changes of mind': Math.max(...all.map(({ minds }) => minds.length)),
    crash: Math.max(...all.map(({ crashes = 0 }) => crashes)),
    'lost answer': Math.max(...all.map(({ lost = 0 }) => lost)),
  };
  const text = textOf('docs/testing.md');
  const listed = [...text.matchAll(/up to (\d+)\s+([a-z ]+),/g)].map(([, n, what]) => [what, Number(n)]);
  expect(Object.fromEntries(listed)).toEqual(most);
  const [, stores] = /on stores called ([a-z, ]+) \(/.exec(text)!;
  expect(stores!.split(', ')).toEqual([...new Set(Object.keys(BOUNDS).map((name) => name.split(', ').at(-1)!))]);
});

test('the figures in the README are of cases that the benchmark has', () => {
  const benchmark = readFileSync(join(REPOSITORY, 'bench/lmdb.ts'), 'utf8');
  for (const [name] of tableBelow('README.md', 'Figures')) expect(benchmark).toContain(`'${name}'`);
});

describe('links to a heading', () => {
  test.each(PAGES)('of %s lead to one', (page) => {
    for (const [, file, anchor] of textOf(page).matchAll(/\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)/g)) {
      const target = file === '' ? page : join(dirname(page), file!);
      expect(anchorsOf(textOf(target)), `${page} links to ${target}#${anchor}`).toContain(anchor);
    }
  });

  test('are looked for as they are written', () => {
    expect(anchorsOf('# A\n## Verify, number by number\n### `x` of y?\n')).toEqual([
      'a',
      'verify-number-by-number',
      'x-of-y',
    ]);
  });
});

/** Headings as GitHub makes anchors of them. */
const anchorsOf = (text: string): string[] =>
  [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s-]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  );

describe('authoring', () => {
  test('every field of a definition is listed', () => {
    const [ofEntity, ofMigration] = tablesBelow(AUTHORING, 'A definition').map((rows) => rows.map(([name]) => name!));
    expect(ofEntity!.sort()).toEqual(Object.keys(ENTITY_FIELDS).sort());
    expect(ofMigration!.sort()).toEqual(Object.keys(MIGRATION_FIELDS).sort());
  });

  test('every type is listed with what a transform sees of it', () => {
    const rows = tableBelow(AUTHORING, 'What a transform sees');
    expect(rows.map(([type, sees]) => [type, sees!.split(';')[0]])).toEqual(
      Object.entries(VALUES).map(([type, value]) => [type, kindOf(toPlain(new Map([['it', value]]))['it'])]),
    );
  });
});

// The compiler holds these to the types.
const ENTITY_FIELDS: Record<keyof EntityDefinition, true> = {
  from: true,
  into: true,
  to: true,
  rename: true,
  forward: true,
  backward: true,
  onSplit: true,
  references: true,
};
const MIGRATION_FIELDS: Record<keyof MigrationDefinition, true> = {
  name: true,
  version: true,
  after: true,
  by: true,
  namespace: true,
  errorBudget: true,
  records: true,
  subscriptions: true,
  invariants: true,
  fields: true,
  hooks: true,
};

const VALUES: { readonly [T in Typed['type']]: Typed & { type: T } } = {
  null: { type: 'null' },
  boolean: { type: 'boolean', value: true },
  integer: { type: 'integer', value: 7n },
  double: { type: 'double', value: 1.5 },
  string: { type: 'string', value: 'a' },
  bytes: { type: 'bytes', value: Buffer.from('a') },
  timestamp: { type: 'timestamp', seconds: 7n, nanos: 0 },
  key: { type: 'key', value: key('User', 'ann') },
  geoPoint: { type: 'geoPoint', latitude: 1, longitude: 2 },
  entity: { type: 'entity', properties: new Map() },
  array: { type: 'array', values: [] },
};

function kindOf(plain: unknown): string {
  if (plain === null || typeof plain !== 'object') return plain === null ? 'null' : typeof plain;
  for (const known of [Buffer, Timestamp, Key, GeoPoint]) if (plain instanceof known) return known.name;
  return Array.isArray(plain) ? 'array' : 'object';
}
