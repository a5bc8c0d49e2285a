import { describe, expect, it, test } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { countRecords, records, show } from '../../src/admin/inspect.ts';
import { resolve } from '../../src/admin/resolve.ts';
import { type FieldDefinition, field } from '../../src/define/field.ts';
import { defineMigration } from '../../src/define/migration.ts';
import { plan } from '../../src/engine/plan.ts';
import { HandoverError } from '../../src/errors.ts';
import { Content } from '../../src/record/content.ts';
import { key } from '../../src/record/key.ts';
import { type PlainRecord, toPlain } from '../../src/record/plain.ts';
import { FieldRouter } from '../../src/router/fieldRouter.ts';
import { Crash, memoryStore, type StoreCall } from '../../src/store/memory.ts';
import { MemoryData } from '../../src/store/memoryData.ts';
import { all, content, rest, STRIKES, verified, type World, world } from './harness.ts';

interface Old {
  mail: string;
}
interface New {
  email: string;
}

const DEFINITION = {
  of: 'Tenant',
  old: ['mail'],
  new: ['email'],
  forward: ({ mail }: Old) => ({ email: mail.toUpperCase() }),
  backward: ({ email }: New) => ({ mail: email.toLowerCase() }),
} as const satisfies FieldDefinition<Old, New>;

const migrationOf = (definition: FieldDefinition<Old, New>) =>
  defineMigration({ name: 'mails', version: 1, fields: [field(definition)] });

const N = 5;
/** With `EVERY=1` at each call; a part of them tells most. */
const EVERY = process.env['EVERY'] ? 1 : 7;
const at = (n: number) => key('Tenant', n);

async function tenants(definition: FieldDefinition<Old, New> = DEFINITION, store = memoryStore()): Promise<World> {
  const w = world({ migration: migrationOf(definition), store });
  const puts = Array.from({ length: N }, (_, i) => ({
    key: at(i + 1),
    content: content({ mail: `m${i + 1}`, plan: 'free' }),
  }));
  // One that has no mail, and one that is no tenant's own.
  await w.store.overwrite([
    ...puts,
    { key: at(99), content: content({ plan: 'none' }) },
    { key: key('House', 1, 'Tenant', 1), content: content({ mail: 'elsewhere' }) },
  ]);
  return w;
}

const go = async (w: World, to?: 'copied' | 'switched' | 'completed') => {
  await commands.start(w.context, 'mails', to ? { to } : {});
  return rest(w);
};
const tenant = async ({ store }: World, n: number): Promise<PlainRecord | undefined> => {
  const [found] = await store.read([at(n)]);
  return found && toPlain(found.content.properties);
};
/** An instance that knows nothing of all this: it loads, changes and saves, and the slot is a property like any other. */
async function write({ store }: World, n: number, change: object): Promise<void> {
  const [found] = await store.read([at(n)]);
  const plain = { ...toPlain(found!.content.properties), ...change };
  await store.overwrite([{ key: at(n), content: content(plain), ...(found!.slot ? { slot: found!.slot } : {}) }]);
}

describe('properties that give way to others in place', () => {
  it('go there, back, there again, and at last the old ones are gone', async () => {
    const w = await tenants();
    expect((await go(w)).stage).toBe('copied');
    expect(await tenant(w, 1)).toEqual({ mail: 'm1', email: 'M1', plan: 'free' });
    await commands.switchOver(w.context, 'mails');
    await rest(w);
    expect(await tenant(w, 1)).toEqual({ mail: 'm1', email: 'M1', plan: 'free' });
    await commands.reverse(w.context, 'mails');
    await rest(w);
    expect(await tenant(w, 1)).toEqual({ mail: 'm1', plan: 'free' });
    await go(w, 'switched');
    await commands.complete(w.context, 'mails', { strip: true });
    expect(await rest(w)).toMatchObject({ stage: 'completed', closed: true });
    expect(await verified(w).catch((error) => error.code)).toBe('campaign.stripped');
    await w.worker.step({ id: 'mails.1' }, new AbortController().signal);
    const after = [...(await all(w.store, 'Tenant')).values()];
    expect(after).toEqual([
      ...Array.from({ length: N }, (_, i) => ({ email: `M${i + 1}`, plan: 'free' })),
      { plan: 'none' },
    ]);
    expect((await w.store.scan({ namespace: '', kind: 'Tenant' }, 100)).entities.every(({ slot }) => !slot)).toBe(true);
    expect(await tenantOf(w)).toEqual({ mail: 'elsewhere' });
  });

  const tenantOf = async (w: World) => {
    const [found] = await w.store.read([key('House', 1, 'Tenant', 1)]);
    return toPlain(found!.content.properties);
  };

  it('are one write a record and stage, and none for a record that rests', async () => {
    const written: string[] = [];
    const fault = ({ mutations }: StoreCall) => {
      for (const each of mutations) if (each.key.kind === 'Tenant') written.push(each.op);
      return undefined;
    };
    const w = await tenants(DEFINITION, memoryStore({ fault }));
    const step = async (act: () => Promise<unknown>) => {
      written.length = 0;
      await act();
      await rest(w);
      return written.length;
    };
    expect(await step(() => commands.start(w.context, 'mails'))).toBe(N);
    expect(await step(() => commands.switchOver(w.context, 'mails'))).toBe(N);
    expect(await step(() => commands.reverse(w.context, 'mails'))).toBe(N);
    expect(await step(() => commands.start(w.context, 'mails', { to: 'completed' }))).toBe(N);
    expect(await tenant(w, 2)).toEqual({ email: 'M2', plan: 'free' });
    expect(await verified(w)).toMatchObject({ clean: true, started: N, completed: N, duplicates: 0 });
  });

  it('keep what old instances write: before the switch, after it, and while the old ones go', async () => {
    const w = await tenants();
    await go(w);
    await write(w, 1, { mail: 'changed' });
    await commands.switchOver(w.context, 'mails');
    await rest(w);
    expect(await tenant(w, 1)).toEqual({ mail: 'changed', email: 'CHANGED', plan: 'free' });
    await write(w, 2, { mail: 'late' });
    expect(await new FieldRouter({ store: w.store, rule: w.migration.fields[0]!, clock: w.clock }).get(at(2))).toEqual({
      email: 'LATE',
      plan: 'free',
    });
    await commands.complete(w.context, 'mails');
    await rest(w);
    expect(await tenant(w, 2)).toEqual({ email: 'LATE', plan: 'free' });
    expect(await verified(w)).toMatchObject({ clean: true });
  });

  it.each([
    [true, []],
    [false, ['record.split']],
  ])(
    'keep what old instances wrote last where it was taken over (%s) before new ones write alone',
    async (isTakenOver, codes) => {
      const w = await tenants();
      await go(w, 'switched');
      await write(w, 1, { mail: 'last' });
      if (isTakenOver) {
        await commands.switchOver(w.context, 'mails');
        await rest(w);
        expect((await tenant(w, 1))!['email']).toBe('LAST');
      }
      await write(w, 1, { email: 'ALONE' });
      await commands.switchOver(w.context, 'mails');
      await rest(w);
      const listed = await records(w.context, 'mails', { quarantined: true, limit: 10 });
      expect(listed.records.map(({ code }) => code)).toEqual(codes);
    },
  );

  it('keep the type and the index flag of what is renamed, and of all else', async () => {
    const w = world({
      migration: defineMigration({
        name: 'mails',
        version: 1,
        fields: [field({ of: 'Tenant', rename: { mail: 'email' } })],
      }),
    });
    const before = Content.of(
      new Map([
        ['n', { type: 'double' as const, value: 3 }],
        ['mail', { type: 'string' as const, value: 'a', unindexed: true }],
      ]),
    );
    await w.store.overwrite([{ key: at(1), content: before }]);
    await go(w, 'completed');
    const [found] = await w.store.read([at(1)]);
    expect(Object.fromEntries(found!.content.properties)).toEqual({
      n: { type: 'double', value: 3 },
      email: { type: 'string', value: 'a', unindexed: true },
    });
  });

  test.each(Object.entries(STRIKES))('are whole after %s, wherever it strikes', async (_, strikeOf) => {
    const clean = await strikes(() => undefined);
    expect(clean).toBeGreaterThan(20);
    for (let n = 0; n < clean; n += EVERY) await strikes((call, i) => (i === n ? strikeOf(call) : undefined), n);
  });

  /** The whole journey, with what two versions of instances write on the way; how many calls it took. */
  async function strikes(fault: (call: StoreCall, i: number) => ReturnType<(typeof STRIKES)[string]>, n?: number) {
    const data = new MemoryData();
    let calls = 0;
    const w = await tenants(DEFINITION, memoryStore({ data }));
    const { clock, migration } = w;
    /** By a process that may die, and by another one then; whoever is not answered asks again. */
    const safely = async (
      act: (mortal: World & { readonly byRouter: FieldRouter<New & { plan: string }> }) => unknown,
    ) => {
      const process = () => {
        const store = memoryStore({ data, fault: (call) => fault(call, calls++) });
        const byRouter = new FieldRouter<New & { plan: string }>({ store, rule: migration.fields[0]!, clock });
        return { ...world({ migration, store, clock }), byRouter };
      };
      try {
        await act(process());
      } catch (error) {
        if (!(error instanceof Crash) && !(error instanceof HandoverError && error.code === 'store.unknown'))
          throw error;
        await act(process());
      }
    };
    await commands.start(w.context, 'mails');
    await safely(rest);
    await write(w, 1, { mail: 'one' });
    await safely(({ byRouter }) => byRouter.update(at(2), (now) => ({ ...now, email: 'TWO' })));
    await commands.switchOver(w.context, 'mails');
    await safely(rest);
    await write(w, 3, { mail: 'three' });
    await safely(({ byRouter }) => byRouter.update(at(4), (now) => ({ ...now, email: 'FOUR' })));
    await safely(({ byRouter }) => byRouter.delete(at(5)));
    expect((await tenant(w, 4))!['mail'], `struck at ${n}: an old instance reads what a new one wrote`).toBe('four');
    await commands.complete(w.context, 'mails');
    await safely(rest);
    const said = await Promise.all([1, 2, 3, 4, 5].map(async (i) => (await tenant(w, i))?.['email']));
    expect(said, `struck at ${n}`).toEqual(['ONE', 'TWO', 'THREE', 'FOUR', undefined]);
    expect(await verified(w), `struck at ${n}`).toMatchObject({ clean: true, started: 4, completed: 4 });
    return calls;
  }
});

describe('where both were written past the router, and differ', () => {
  const torn = async (definition?: FieldDefinition<Old, New>) => {
    const w = await tenants(definition);
    await go(w, 'switched');
    await write(w, 3, { mail: 'left', email: 'RIGHT' });
    return w;
  };
  const sweep = async (w: World) => {
    await w.clock.sleep(60_000);
    await w.worker.step({ id: 'mails.1' }, new AbortController().signal);
    return rest(w);
  };

  it('the record is listed, served by nobody, and an operator chooses', async () => {
    for (const keep of ['old', 'new'] as const) {
      const w = await torn();
      await sweep(w);
      expect((await records(w.context, 'mails', { quarantined: true })).records).toMatchObject([
        { key: 'Tenant:3', code: 'record.split' },
      ]);
      const router = new FieldRouter({ store: w.store, rule: w.migration.fields[0]!, clock: w.clock });
      await expect(router.get(at(3))).rejects.toMatchObject({ code: 'record.split' });
      expect(await verified(w)).toMatchObject({ clean: false, splits: 1, duplicates: 1, quarantined: 1 });
      expect(await resolve(w.context, 'mails', { keep, key: 'Tenant:3' })).toBe(1);
      await sweep(w);
      const both = keep === 'old' ? { mail: 'left', email: 'LEFT' } : { mail: 'right', email: 'RIGHT' };
      expect(await tenant(w, 3)).toEqual({ ...both, plan: 'free' });
      expect([...(await all(w.store, '_HandoverDiscarded', '_HandoverCampaign')).values()]).toEqual([
        { mail: 'left', email: 'RIGHT', plan: 'free' },
      ]);
      expect(await verified(w)).toMatchObject({ clean: true });
    }
  });

  it('the author may know better', async () => {
    const w = await torn({
      ...DEFINITION,
      onSplit: ({ old, new: now }) => ({ email: `${old.mail.toUpperCase()}+${now.email}` }),
    });
    await sweep(w);
    expect(await tenant(w, 3)).toEqual({ mail: 'left+right', email: 'LEFT+RIGHT', plan: 'free' });
    expect(await verified(w)).toMatchObject({ clean: true });
  });

  it('a record that had both before is found by the plan, and none is overwritten', async () => {
    const w = await tenants();
    await write(w, 2, { email: 'SOMETHING ELSE' });
    const report = await plan(w.store, w.migration);
    expect(report.problems).toMatchObject({ 'record.split': { count: 1 } });
    await go(w);
    expect(await tenant(w, 2)).toEqual({ mail: 'm2', email: 'SOMETHING ELSE', plan: 'free' });
  });
});

describe('without a way back', () => {
  const ONE_WAY = { of: 'Tenant', old: ['mail'], new: ['email'], forward: DEFINITION.forward } as const;

  it('what nobody has written since goes home, and the campaign does not once somebody has', async () => {
    const w = await tenants(ONE_WAY);
    await go(w, 'switched');
    const router = new FieldRouter<New, Old>({ store: w.store, rule: w.migration.fields[0]!, clock: w.clock });
    await router.update(at(1), (now) => ({ ...now, email: 'NEW' }));
    expect(await tenant(w, 1)).toMatchObject({ mail: 'm1', email: 'NEW' });
    await expect(commands.reverse(w.context, 'mails')).rejects.toMatchObject({ code: 'reverse.missing' });
    await expect(router.legacy.get(at(1))).rejects.toMatchObject({ code: 'reverse.missing' });
    await router.delete(at(1));
    await commands.reverse(w.context, 'mails');
    await rest(w);
    expect(await tenant(w, 2)).toEqual({ mail: 'm2', plan: 'free' });
  });
});

describe('what people see of it', () => {
  it('is in lists, counts, a plan with its costs, and by its key', async () => {
    const w = await tenants();
    expect(await plan(w.store, w.migration)).toMatchObject({
      records: N,
      inPlace: N,
      rules: [{ from: 'Tenant.mail', into: 'Tenant.email', reversible: true, records: N }],
      inexact: { count: 0 },
    });
    const campaign = await go(w);
    expect(await countRecords(w.context, 'mails')).toEqual({ copied: N });
    expect(campaign.population?.records).toBe(N);
    expect(await show(w.context, 'mails', 'Tenant:1')).toMatchObject({
      kind: 'record',
      key: 'Tenant:1',
      state: 'copied',
      S: { key: 'Tenant:1', role: 'owner', record: { mail: 'm1' } },
      T: { key: 'Tenant:1', role: 'shadow', record: { email: 'M1' } },
      journal: [{ move: 'copy T', by: 'w1' }],
    });
  });
});

describe('a definition is refused', () => {
  const refused = (make: () => unknown, why: RegExp) =>
    expect(make).toThrow(expect.objectContaining({ code: 'definition.invalid', message: expect.stringMatching(why) }));

  it.each([
    ['that names nothing', { of: 'Tenant' }, /must name `old` and `new`/],
    ['with a property on both sides', { ...DEFINITION, new: ['mail'] }, /two names/],
    ['without `forward`', { of: 'Tenant', old: ['mail'], new: ['email'] }, /need a `forward`/],
    ['with only a `backward`', { of: 'Tenant', rename: { a: 'b' }, backward: () => ({}) }, /undoes nothing/],
    ['with two new names that are one', { of: 'Tenant', rename: { a: 'c', b: 'c' } }, /same name/],
  ])('%s', (_, definition, why) => refused(() => field(definition as never), why));

  it('with records that are moved by another rule, or by group', () => {
    const rule = field(DEFINITION);
    refused(() => defineMigration({ name: 'a', version: 1, fields: [rule, rule] }), /two rules/);
    refused(() => defineMigration({ name: 'a', version: 1, by: 'group', fields: [rule] }), /no group waits/);
  });

  it('of which a transform gives what it did not announce: the record is listed', async () => {
    const w = await tenants({ ...DEFINITION, forward: ({ mail }) => ({ email: mail, plan: 'gold' }) as New });
    await go(w);
    expect((await records(w.context, 'mails', { quarantined: true, limit: 1 })).records).toMatchObject([
      { code: 'transform.forward', message: expect.stringMatching(/"plan", which is none of email/) },
    ]);
    expect(await tenant(w, 1)).toEqual({ mail: 'm1', plan: 'free' });
  });
});
