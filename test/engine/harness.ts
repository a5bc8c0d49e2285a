import * as commands from '../../src/admin/commands.ts';
import type { Clock } from '../../src/clock.ts';
import { type EntityDefinition, entity } from '../../src/define/entity.ts';
import { defineMigration, type Migration } from '../../src/define/migration.ts';
import { isHookDue } from '../../src/engine/hooksDue.ts';
import { type VerifyReport, verify } from '../../src/engine/verify.ts';
import { Worker } from '../../src/engine/worker.ts';
import { Content } from '../../src/record/content.ts';
import { type Key, key } from '../../src/record/key.ts';
import { fromPlain, type PlainRecord, toPlain } from '../../src/record/plain.ts';
import { Router } from '../../src/router/router.ts';
import { type Fault, memoryStore, type StoreCall } from '../../src/store/memory.ts';
import type { KeyRange, Store } from '../../src/store/store.ts';

export interface Feed {
  user: string;
  title: string;
  visits: number;
}

const feedRule = entity<Feed>({
  from: 'Feed',
  into: 'User/Feed',
  to: (feed, old) => key('User', feed.user, 'Feed', old.id),
});

export interface Named {
  user: string;
  name: string;
  visits: number;
}

/** `title` becomes `name` in capitals, and back. */
export const CHANGING: EntityDefinition<Feed, Named> = {
  from: 'Feed',
  into: 'User/Feed',
  to: (feed, old) => key('User', feed.user, 'Feed', old.id),
  forward: ({ user, title, visits }) => ({ user, visits, name: title.toUpperCase() }),
  backward: ({ user, name, visits }) => ({ user, visits, title: name.toLowerCase() }),
};
export const changingRule = entity(CHANGING);

/** What may befall one call, by name: for tests that strike every call of something in turn. */
export const STRIKES: Readonly<Record<string, (call: StoreCall) => Fault | undefined>> = {
  'a crash before a call': () => ({ kind: 'crash', when: 'before' }),
  'a crash after a call': () => ({ kind: 'crash', when: 'after' }),
  'a lost answer': () => ({ kind: 'lost' }),
  'an answer lost before it was applied': () => ({ kind: 'lost', applied: false }),
  'a conflict': ({ mutations }) => (mutations.length > 0 ? { kind: 'conflict', index: 0 } : undefined),
  'a busy store': ({ mutations }) => (mutations.length > 0 ? { kind: 'busy', why: 'exhausted' } : undefined),
};

export const feedsUnderUsers = defineMigration({ name: 'feeds', version: 1, records: [feedRule] });

export const content = (plain: object): Content => Content.of(fromPlain(plain));
export const feedOf = (n: number): Feed => ({ user: `u${n % 7}`, title: `feed ${n}`, visits: 0 });
export const oldKey = (n: number): Key => key('Feed', n);
export const newKey = (n: number, user = feedOf(n).user): Key => key('User', user, 'Feed', n);

export async function seed(store: Store, count: number, of: (n: number) => object = feedOf): Promise<void> {
  const puts = Array.from({ length: count }, (_, i) => ({ key: oldKey(i + 1), content: content(of(i + 1)) }));
  await store.overwrite(puts);
}

/** A clock that only moves when somebody waits. Identifiers count up. */
export function handClock(): Clock & { advance(ms: number): void } {
  let now = 1_700_000_000_000;
  let ids = 0;
  return {
    now: () => now,
    ticks: () => now,
    advance: (ms) => {
      now += ms;
    },
    sleep: async (ms) => {
      now += ms;
      await new Promise<void>((resolve) => setImmediate(resolve));
    },
    id: () => String(++ids).padStart(8, '0'),
  };
}

/**
 * A clock on which any number of sleepers wait side by side: `run` lets everybody work until all of them sleep, then moves
 * on to when the first one wakes. Right for work that waits for nothing else, as a memory store's.
 */
export function timedClock(): Clock & { run<R>(work: Promise<R>): Promise<R>; pass(ms: number): Promise<void> } {
  const begin = 1_700_000_000_000;
  let now = begin;
  let ids = 0;
  const sleepers = new Set<{ readonly at: number; readonly wake: () => void }>();
  const sleep = (ms: number, signal?: AbortSignal) =>
    new Promise<void>((resolve) => {
      if (signal?.aborted) return resolve();
      const wake = () => {
        sleepers.delete(sleeper);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      const sleeper = { at: now + ms, wake };
      sleepers.add(sleeper);
      signal?.addEventListener('abort', wake, { once: true });
    });
  const run = async <R>(work: Promise<R>): Promise<R> => {
    let over = false;
    const end = () => {
      over = true;
    };
    work.then(end, end);
    while (!over) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      const first = Math.min(...[...sleepers].map(({ at }) => at));
      if (over || first === Number.POSITIVE_INFINITY) continue;
      now = Math.max(now, first);
      for (const sleeper of [...sleepers]) if (sleeper.at <= now) sleeper.wake();
    }
    return work;
  };
  return {
    now: () => now,
    ticks: () => now - begin,
    sleep,
    id: () => String(++ids).padStart(8, '0'),
    run,
    pass: (ms) => run(sleep(ms)),
  };
}

/** For what somebody waits for, until another lets him go on. */
export function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

export interface World {
  readonly clock: Clock;
  readonly store: Store;
  readonly migration: Migration;
  readonly context: commands.CommandContext;
  readonly worker: Worker;
  readonly router: Router<Feed>;
}

export function world(
  options: { store?: Store; migration?: Migration; clock?: Clock; worker?: string; atomic?: 'group' | 'any' } = {},
): World {
  const { migration = feedsUnderUsers, clock = handClock() } = options;
  const store = options.store ?? memoryStore({ capabilities: { atomic: options.atomic ?? 'group' } });
  const context = { store, migrations: [migration], clock, by: 'ann' };
  const worker = new Worker({ store, migrations: [migration], clock, id: options.worker ?? 'w1' });
  const [rule] = migration.records;
  return {
    clock,
    store,
    migration,
    context,
    worker,
    // Where nothing moves, nobody asks for it.
    router: rule ? new Router({ store, rule, clock }) : (undefined as never),
  };
}

/** Lets the worker work until the newest campaign rests, is closed or paused. */
export async function rest({ context, worker, migration, clock }: World, steps = 10_000): Promise<commands.Campaign> {
  for (let i = 0; i < steps; i++) {
    const campaign = await commands.theCampaign(context, migration.name);
    const rests = campaign.settledAt !== undefined && !isHookDue(campaign);
    if (rests || campaign.closed || campaign.run === 'paused') return campaign;
    if (!(await worker.step(campaign, new AbortController().signal))) await clock.sleep(100);
  }
  throw new Error('the campaign never came to rest');
}

export async function verified({ store, migration, context }: World): Promise<VerifyReport> {
  const campaign = await commands.theCampaign(context, migration.name);
  return verify(store, migration, campaign, { clock: context.clock, restart: true });
}

/** Everything of one kind, by key text, as plain records: what the application would find. */
export async function all(store: Store, kind: string, rootKind = kind): Promise<Map<string, PlainRecord>> {
  const found = new Map<string, PlainRecord>();
  let range: KeyRange = { namespace: '', kind, rootKind };
  for (;;) {
    const page = await store.scan(range, 100);
    for (const entity of page.entities) found.set(entity.key.toString(), toPlain(entity.content.properties));
    const last = page.entities.at(-1);
    if (!page.more || !last) return found;
    range = { ...range, after: last.key };
  }
}
