import { afterEach, beforeEach, expect } from 'vitest';
import { Content } from '../../../src/record/content.ts';
import type { Key } from '../../../src/record/key.ts';
import type { Value } from '../../../src/record/value.ts';
import type { Entity, KeyRange, Mutation, Store, Version } from '../../../src/store/store.ts';
import type { Lacks, Open, Opened } from '../contract.ts';

export const integer = (n: number | bigint): Value => ({ type: 'integer', value: BigInt(n) });
export const string = (value: string): Value => ({ type: 'string', value });
export const contentOf = (properties: Record<string, Value>): Content =>
  Content.of(new Map(Object.entries(properties)));
export const numbered = (n: number): Content => contentOf({ n: integer(n) });

export function numberOf(entity: Entity | undefined): number | undefined {
  const n = entity?.content.properties.get('n');
  return n?.type === 'integer' ? Number(n.value) : undefined;
}

/** A fresh store for each test, removed after it. */
export function eachStore(open: Open): { readonly store: Store; readonly opened: Opened } {
  let opened: Opened | undefined;
  beforeEach(async () => {
    opened = await open();
  });
  afterEach(async () => {
    await opened?.cleanup();
  });
  return {
    get opened() {
      return opened!;
    },
    get store() {
      return opened!.store;
    },
  };
}

export async function withStore(open: Open, use: (store: Store, lacks: Lacks) => Promise<void>): Promise<void> {
  const { store, lacks = {}, cleanup } = await open();
  try {
    await use(store, lacks);
  } finally {
    await cleanup();
  }
}

export async function commitOne(store: Store, mutation: Mutation): Promise<Version> {
  const [outcome] = await store.commit([mutation]);
  if (outcome?.status !== 'applied') throw new Error(`${mutation.op} ${mutation.key}: ${outcome?.status}`);
  return outcome.version;
}

export const insert = (store: Store, key: Key, content = numbered(0), slot?: string): Promise<Version> =>
  commitOne(store, { op: 'insert', key, content, slot });

export async function readOne(store: Store, key: Key): Promise<Entity | undefined> {
  return (await store.read([key]))[0];
}

export async function statuses(answers: Promise<readonly { readonly status: string }[]>): Promise<string[]> {
  return (await answers).map(({ status }) => status);
}

/** All pages of a range; checks that no page is over its limit and that `more` is exact. */
export async function scanAll(store: Store, range: KeyRange, limit: number): Promise<Entity[]> {
  const found: Entity[] = [];
  let from = range;
  for (;;) {
    const { entities, more } = await store.scan(from, limit);
    expect(entities.length).toBeLessThanOrEqual(limit);
    if (more) expect(entities.length).toBe(limit);
    found.push(...entities);
    if (!more) return found;
    from = { ...range, after: entities[entities.length - 1]!.key };
    // `more` promised at least one entity beyond this page.
    expect((await store.scan(from, 1)).entities).toHaveLength(1);
  }
}

export const texts = (entities: readonly Entity[]): string[] => entities.map(({ key }) => key.toString());
