import { describe, expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { entity } from '../../src/define/entity.ts';
import { homesOf } from '../../src/define/homes.ts';
import { defineMigration } from '../../src/define/migration.ts';
import { decode, KINDS } from '../../src/engine/documents.ts';
import { HandoverError } from '../../src/errors.ts';
import { key } from '../../src/record/key.ts';
import { Crash, MemoryData, memoryStore, type StoreCall } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/store.ts';
import { Choices } from '../../src/testing/choices.ts';
import { all, feedsUnderUsers, handClock, rest, STRIKES, seed, world } from './harness.ts';

const under = (root: string) =>
  entity({ from: 'Feed', into: `${root}/Feed`, to: (_, old) => key(root, 'x', 'Feed', old.id) });
const note = entity({ from: 'Note', into: 'Team/Note', to: (_, old) => key('Team', 'x', 'Note', old.id) });
/** All about `Feed`, and one of them about `Note` too; another about `Note` alone. */
const teams = defineMigration({ name: 'teams', version: 1, records: [under('Team'), note] });
const notes = defineMigration({
  name: 'notes',
  version: 1,
  records: [entity({ from: 'Note', into: 'User/Note', to: (_, old) => key('User', 'x', 'Note', old.id) })],
});
const migrations = [feedsUnderUsers, teams, notes];
const clock = handClock();
const operator = (store: Store, by = 'ann'): commands.CommandContext => ({ store, migrations, clock, by });

/** H1: at most one open campaign past `draft` is about a home, and it holds the claim. Seen at one moment. */
function checkHolders(data: MemoryData): void {
  const at = <K extends 'campaign' | 'home'>(kind: K) =>
    [...data.walk({ namespace: '', kind: KINDS[kind] })].map((row) => decode(kind, row).value);
  const open = at('campaign').filter(({ closed, stage }) => !closed && stage !== 'draft');
  const claims = new Map(at('home').map(({ home, campaign }) => [home, campaign]));
  for (const campaign of open)
    for (const home of homesOf(migrations.find(({ name }) => name === campaign.migration)!))
      expect(claims.get(home), `who holds ${home}, with ${open.map(({ id }) => id)} open`).toBe(campaign.id);
}

const codeOf = (error: unknown) => (error instanceof HandoverError ? error.code : String(error));
const said = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: unknown) => codeOf(error),
  );

describe('two campaigns about one kind', () => {
  it('the second is refused before anything of it is written, and told who holds the kind', async () => {
    const data = new MemoryData();
    const store = memoryStore({ data });
    await commands.start(operator(store), 'feeds');
    const refusal = await commands.start(operator(store), 'teams').catch((error: HandoverError) => error);
    expect(refusal).toMatchObject({
      code: 'home.taken',
      detail: 'teams and campaign feeds.1, which is copying, are both about Feed.',
      facts: { campaign: 'feeds.1', migration: 'feeds', stage: 'copying', home: 'Feed' },
    });
    expect((await commands.campaigns({ store })).map(({ id }) => id)).toEqual(['feeds.1']);
    // What is about nothing of it goes on.
    await commands.start(operator(store), 'notes');
    checkHolders(data);
  });

  it('begins when the other is closed, and an earlier run of the same migration is no obstacle', async () => {
    const data = new MemoryData();
    const w = world({ store: memoryStore({ data }) });
    const context = operator(w.store);
    await seed(w.store, 3);
    await commands.start(context, 'feeds');
    await rest(w);
    await commands.cancel(context, 'feeds');
    await rest(w);
    await commands.start(context, 'feeds');
    await expect(commands.start(context, 'teams')).rejects.toMatchObject({ facts: { campaign: 'feeds.2' } });
    await commands.cancel(context, 'feeds');
    await rest(w);
    await commands.start(context, 'teams');
    await expect(commands.start(context, 'feeds')).rejects.toMatchObject({ code: 'home.taken' });
    checkHolders(data);
    expect((await all(w.store, 'Feed')).size).toBe(3);
  });

  it('a draft that holds a kind is an obstacle until it is cancelled, for its start may be about to go on', async () => {
    const data = new MemoryData();
    const store = memoryStore({ data });
    let claims = 0;
    const dying = memoryStore({
      data,
      fault: ({ mutations }: StoreCall) =>
        mutations.some(({ key: { kind } }) => kind === '_HandoverHome') && ++claims === 2
          ? { kind: 'crash', when: 'after' }
          : undefined,
    });
    await expect(commands.start(operator(dying), 'teams')).rejects.toThrow(Crash);
    await expect(commands.start(operator(store), 'feeds')).rejects.toMatchObject({ facts: { stage: 'draft' } });
    await commands.cancel(operator(store), 'teams');
    await commands.start(operator(store), 'feeds');
    checkHolders(data);
  });

  it('a draft that is cancelled while its start is under way, and whose kind is taken over, never leaves draft', async () => {
    const data = new MemoryData();
    const store = memoryStore({ data });
    let struck = false;
    const slow = memoryStore({
      data,
      // Its last step: the command that leaves draft.
      fault: async ({ mutations }: StoreCall) => {
        const text = mutations.map((each) => ('content' in each ? each.content.properties.get('state') : undefined));
        if (struck || !text.some((each) => each?.type === 'string' && each.value.includes('"copying"')))
          return undefined;
        struck = true;
        await commands.cancel(operator(store, 'bob'), 'teams');
        await commands.start(operator(store, 'bob'), 'feeds');
        return undefined;
      },
    });
    expect(await said(commands.start(operator(slow), 'teams'))).toBe('campaign.refused');
    expect(struck).toBe(true);
    checkHolders(data);
  });

  for (const [name, strike] of Object.entries(STRIKES)) {
    it(`a start that meets ${name} at any one of its calls leaves one holder, and can be given again`, async () => {
      let calls = Number.POSITIVE_INFINITY;
      for (let at = 0; at < calls; at++) {
        const data = new MemoryData();
        const store = memoryStore({ data });
        let seen = 0;
        const faulty = memoryStore({ data, fault: (call) => (seen++ === at ? strike(call) : undefined) });
        const [first, second] = [operator(faulty), operator(store, 'bob')];
        await said(commands.start(first, 'feeds'));
        const other = await said(commands.start(second, 'teams'));
        expect(['done', 'home.taken']).toContain(other);
        checkHolders(data);
        const again = await said(commands.start(operator(store), 'feeds'));
        expect(again).toBe(other === 'done' ? 'home.taken' : 'done');
        checkHolders(data);
        calls = Math.min(calls, seen <= at ? 0 : calls);
      }
    });
  }

  it('whatever operators start and cancel at random, with crashes and lost answers, a home has one holder', async () => {
    const outcomes = new Map<string, number>();
    for (let run = 1; run <= 150; run++) {
      const choices = Choices.seeded(run);
      const data = new MemoryData();
      const yields = async () => {
        for (let n = choices.below(4); n > 0; n--) await new Promise<void>((resolve) => setImmediate(resolve));
      };
      const fault = async ({ mutations, keys }: StoreCall) => {
        // The probe's calls are many, and its own matter.
        if (keys.some(({ kind }) => kind === '_HandoverProbe')) return undefined;
        await yields();
        if (!choices.happens(40)) return undefined;
        if (choices.below(3) === 0) return { kind: 'crash', when: choices.of(['before', 'after'] as const) } as const;
        if (mutations.length > 0 && choices.below(2) === 0) return { kind: 'conflict', index: 0 } as const;
        return { kind: 'lost', applied: choices.below(2) === 0 } as const;
      };
      const live = async (by: string) => {
        for (let n = 0; n < 4; n++) {
          const context = operator(memoryStore({ data, fault }), by);
          const { name } = choices.of(migrations);
          const act = choices.of([commands.start, commands.start, commands.cancel]);
          const what = await said(act(context, name));
          outcomes.set(what, (outcomes.get(what) ?? 0) + 1);
          checkHolders(data);
        }
      };
      await Promise.all([live('ann'), live('bob'), live('cid')]);
    }
    // The runs met what they are for.
    for (const what of ['done', 'home.taken', 'campaign.missing']) expect(outcomes.get(what), what).toBeGreaterThan(20);
  });
});
