import { describe, expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { campaignStatus } from '../../src/admin/status.ts';
import { campaignText } from '../../src/cli/statusText.ts';
import type { Clock } from '../../src/clock.ts';
import { entity } from '../../src/define/entity.ts';
import { defineMigration } from '../../src/define/migration.ts';
import type { Dispatch, Hint, Letter } from '../../src/dispatch/dispatch.ts';
import { sweepName } from '../../src/engine/campaigns.ts';
import { save } from '../../src/engine/documents.ts';
import { planName, rangeKey } from '../../src/engine/ranges.ts';
import type { RangeDocument } from '../../src/engine/schemas.ts';
import { Worker, type WorkerEvents } from '../../src/engine/worker.ts';
import { HandoverError } from '../../src/errors.ts';
import { LIMITS } from '../../src/limits.ts';
import { key } from '../../src/record/key.ts';
import { Crash, type Fault, MemoryData, memoryStore, type StoreCall } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/store.ts';
import { content, feedsUnderUsers, handClock, rest, seed, timedClock, verified, type World, world } from './harness.ts';

const N = 40;
const ALIVE = new AbortController().signal;

/** A queue between workers, as it should be. */
function queue() {
  const hints: Hint[] = [];
  const letters: Letter[] = [];
  const waiting = new Set<() => void>();
  const dispatch: Dispatch = {
    name: 'queue',
    publish: async (more) => {
      hints.push(...more);
      for (const wake of waiting) wake();
    },
    receive: async (work, { lanes, signal }) => {
      const lane = async () => {
        while (!signal.aborted) {
          const hint = hints.shift();
          if (hint) {
            if ((await work(hint)) === 'again') hints.push(hint);
            continue;
          }
          await new Promise<void>((wake) => waiting.add(wake));
          waiting.clear();
        }
      };
      const wakeAll = () => {
        for (const wake of waiting) wake();
      };
      signal.addEventListener('abort', wakeAll, { once: true });
      await Promise.all(Array.from({ length: lanes }, lane));
    },
    setAside: async (letter) => {
      letters.push(letter);
    },
    close: async () => undefined,
  };
  return { dispatch, hints, letters };
}

describe('a fleet', () => {
  const settled = async (dispatches: readonly Dispatch[], events: WorkerEvents = {}) => {
    const clock = timedClock();
    const w = world({ clock });
    await seed(w.store, N);
    const abort = new AbortController();
    const working = dispatches.map((dispatch, i) =>
      new Worker({ store: w.store, migrations: [w.migration], clock, id: `w${i + 1}`, dispatch, events }).run(
        abort.signal,
      ),
    );
    await commands.start(w.context, 'feeds');
    const look = () => commands.theCampaign(w.context, 'feeds');
    for (let s = 0; s < 600 && (await look()).settledAt === undefined; s++) await clock.pass(1_000);
    abort.abort();
    await clock.run(Promise.all(working));
    expect((await look()).settledAt).toBeDefined();
    expect(await verified(w)).toMatchObject({ clean: true });
    return w;
  };

  it('is handed each range of a sweep once, and none before its turn', async () => {
    const { dispatch, hints } = queue();
    const published: (readonly Hint[])[] = [];
    const publish = async (more: readonly Hint[]) => {
      published.push(more);
      await dispatch.publish(more);
    };
    const fleet = { ...dispatch, publish };
    await settled([fleet, fleet, fleet]);
    expect(hints).toEqual([]);
    const names = published.flat().map(({ sweep, range }) => `${sweep} ${range}`);
    expect(new Set(names).size).toBe(names.length);
    // Of the second sweep the old homes, then the new ones: those of the first are left to it.
    expect(new Set(published.flat().map(({ sweep }) => sweep))).toEqual(new Set(['000001.000001', '000001.000002']));
    expect(published.length).toBe(3);
  });

  it('goes on although no message can be sent, and says so', async () => {
    const faltered: string[] = [];
    const publish = async () => {
      throw new HandoverError('dispatch.unavailable', 'nobody there');
    };
    await settled([{ ...queue().dispatch, publish }], { faltered: ({ code }) => faltered.push(code) });
    expect(new Set(faltered)).toEqual(new Set(['dispatch.unavailable']));
  });

  it('goes on although every message is lost', async () => {
    await settled([{ ...queue().dispatch, publish: async () => undefined }]);
  });

  it('ends on what is no store’s doing, and gives the message back', async () => {
    const { dispatch, hints } = queue();
    const clock = timedClock();
    const data = new MemoryData();
    const w = world({ clock, store: memoryStore({ data }) });
    await seed(w.store, N);
    await commands.start(w.context, 'feeds');
    const fault = ({ op, keys }: StoreCall): Fault | undefined =>
      op === 'commit' && keys[0]?.root.kind === 'User' ? { kind: 'crash', when: 'before' } : undefined;
    const store = memoryStore({ data, fault });
    const worker = new Worker({ store, migrations: [w.migration], clock, dispatch });
    await expect(clock.run(worker.run(ALIVE))).rejects.toThrow(Crash);
    expect(hints.length).toBeGreaterThan(0);
  });
});

describe('a message', () => {
  const ready = async () => {
    const clock = handClock();
    const w = world({ clock });
    await seed(w.store, N);
    const { dispatch, hints } = queue();
    const worker = (id: string) => new Worker({ store: w.store, migrations: [w.migration], clock, id, dispatch });
    await commands.start(w.context, 'feeds');
    const [one, other] = [worker('w1'), worker('w2')];
    await one.tend(ALIVE);
    const [hint] = hints;
    const rangeNow = async () =>
      (await w.store.scan({ namespace: '', kind: '_HandoverRange' }, 100)).entities.map(({ key }) => String(key.id));
    return { w, one, other, hint: hint!, hints, rangeNow };
  };

  it('that comes twice, or late, or of another sweep, does nothing', async () => {
    const { w, one, other, hint, rangeNow } = await ready();
    expect(await one.take(hint, ALIVE)).toBe('done');
    const before = await rangeNow();
    const records = w.store.scan({ namespace: '', kind: 'Feed', rootKind: 'User' }, 100);
    const copied = (await records).entities.length;
    expect(copied).toBeGreaterThan(0);
    for (const late of [
      hint,
      { ...hint, sweep: '000000.000009' },
      { ...hint, campaign: 'gone.1' },
      { ...hint, range: '999999' },
    ])
      expect(await other.take(late, ALIVE)).toBe('done');
    expect(await rangeNow()).toEqual(before);
    expect((await w.store.scan({ namespace: '', kind: 'Feed', rootKind: 'User' }, 100)).entities.length).toBe(copied);
  });

  it('of a range whose turn is later, or of a campaign that is paused, is let go of', async () => {
    const { w, one, hint } = await ready();
    const later = { ...hint, range: '000016' };
    expect(await one.take(later, ALIVE)).toBe('done');
    await commands.pause(w.context, 'feeds');
    expect(await one.take(hint, ALIVE)).toBe('done');
    expect((await w.store.scan({ namespace: '', kind: '_HandoverRange' }, 100)).entities).toEqual([]);
  });

  it('is given back by who is to end, and the range with it', async () => {
    const { w, one, other, hint } = await ready();
    const abort = new AbortController();
    const { commit } = w.store;
    // Told to end when it has just claimed it.
    w.store.commit = (...args) => commit(...args).finally(() => abort.abort());
    expect(await one.take(hint, abort.signal)).toBe('again');
    w.store.commit = commit;
    expect(await other.take(hint, ALIVE)).toBe('done');
    const [first] = (await w.store.scan({ namespace: '', kind: '_HandoverRange' }, 100)).entities;
    expect(JSON.stringify(first!.content.properties.get('state'))).not.toContain('doubtful');
  });
});

describe('a range whose page ends every process that takes it', () => {
  const poisoned = async () => {
    const clock = handClock();
    const data = new MemoryData();
    const w = world({ clock, store: memoryStore({ data }) });
    await seed(w.store, N);
    const told: Letter[] = [];
    const { dispatch, letters } = queue();
    const worker = (id: string, fault?: (call: StoreCall) => Fault | undefined) =>
      new Worker({
        store: memoryStore({ data, ...(fault ? { fault } : {}) }),
        migrations: [w.migration],
        clock,
        id,
        dispatch,
        events: { setAside: (letter) => told.push(letter) },
      });
    const kills = ({ op, keys }: StoreCall): Fault | undefined =>
      op === 'commit' && keys.some((key) => key.root.kind === 'User' && key.id === 7n)
        ? { kind: 'crash', when: 'before' }
        : undefined;
    const campaign = await commands.start(w.context, 'feeds');
    let deaths = 0;
    for (; deaths < 40 && told.length === 0; deaths++) {
      await worker(`k${deaths}`, kills)
        .step(campaign, ALIVE)
        .catch((error) => expect(error).toBeInstanceOf(Crash));
      clock.advance(LIMITS.longestClaimMs + LIMITS.rangePauseMostMs);
    }
    return { w, clock, campaign, worker, told, letters, kills };
  };

  it('is set aside, told of once, and shown with the key that it stands behind; the others are done', async () => {
    const { w, campaign, worker, told, letters } = await poisoned();
    for (const id of ['w7', 'w8']) expect(await worker(id).step(campaign, ALIVE)).toBe(false);
    expect(told.length).toBe(1);
    expect(letters).toEqual(told);
    expect(told[0]).toMatchObject({ campaign: 'feeds.1', sweep: '000001.000001', tries: LIMITS.rangeTries });
    const status = await campaignStatus(w.context, await commands.theCampaign(w.context, 'feeds'));
    expect(status.settled).toBe(false);
    expect(status.stuck).toMatchObject([{ range: told[0]!.range, home: 'S', tries: LIMITS.rangeTries }]);
    const undone = status.sweep.share;
    expect(undone).toBeLessThan(1);
    expect(campaignText(status)).toMatch(/^ {2}stuck +an old home, .*8 workers took it and got nowhere$/m);
    expect(campaignText(status)).toContain('then handover retry feeds');
  });

  it('is tried again after `retry`, and the sweep goes on where it stood', async () => {
    const { w, campaign } = await poisoned();
    const before = await commands.theCampaign(w.context, 'feeds');
    expect(await commands.retry(w.context, 'feeds', { reason: 'corrected' })).toEqual({ records: 0, ranges: 1 });
    const after = await commands.theCampaign(w.context, 'feeds');
    expect(sweepName(after)).toBe(sweepName(before));
    expect(after.history.at(-1)).toMatchObject({ what: 'retry 1 range', reason: 'corrected' });
    expect(campaign.id).toBe(after.id);
    await rest(w);
    expect(await verified(w)).toMatchObject({ clean: true, started: N });
    expect(await commands.retry(w.context, 'feeds')).toEqual({ records: 0, ranges: 0 });
  });

  it('takes no range of another campaign with it, though one process had both in hand', async () => {
    const clock = handClock();
    const data = new MemoryData();
    const note = entity<{ user: string }>({
      from: 'Note',
      into: 'User/Note',
      to: ({ user }, old) => key('User', user, 'Note', old.id),
    });
    const migrations = [feedsUnderUsers, defineMigration({ name: 'notes', version: 1, records: [note] })];
    const store = memoryStore({ data });
    await seed(store, N);
    await store.overwrite(
      Array.from({ length: N }, (_, i) => ({ key: key('Note', i + 1), content: content({ user: `u${i % 7}` }) })),
    );
    const context = { store, migrations, clock, by: 'ann' };
    for (const name of ['feeds', 'notes']) await commands.start(context, name);
    const told: Letter[] = [];
    for (let deaths = 0; deaths < 60 && !told.some(({ campaign }) => campaign === 'feeds.1'); deaths++) {
      let isDead = false;
      // What dies dies whole: nothing of it reaches the store any more.
      const fault = ({ op, keys }: StoreCall): Fault | undefined => {
        isDead ||= op === 'commit' && keys.some((at) => at.root.kind === 'User' && at.kind === 'Feed' && at.id === 7n);
        return isDead ? { kind: 'crash', when: 'before' } : undefined;
      };
      const events = { setAside: (letter: Letter) => told.push(letter) };
      const worker = new Worker({ ...context, store: memoryStore({ data, fault }), id: `k${deaths}`, events });
      const end = new AbortController();
      const working = worker.run(end.signal).catch((error) => expect(error).toBeInstanceOf(Crash));
      for (let i = 0; i < 50 && !isDead; i++) await clock.sleep(0);
      end.abort();
      await working;
      clock.advance(LIMITS.longestClaimMs + LIMITS.rangePauseMostMs);
    }
    expect(told).toMatchObject([{ campaign: 'feeds.1', tries: LIMITS.rangeTries }]);
  });

  it('is none whose workers the store gave no answer, however often', async () => {
    const clock = handClock();
    const data = new MemoryData();
    const w = world({ clock, store: memoryStore({ data }) });
    await seed(w.store, N);
    const campaign = await commands.start(w.context, 'feeds');
    const silent = ({ op, keys }: StoreCall): Fault | undefined =>
      op === 'read' && keys[0]?.root.kind === 'Feed' ? { kind: 'lost', applied: false } : undefined;
    const scanless = ({ op, index }: StoreCall): Fault | undefined =>
      op === 'scan' && index > 20 ? { kind: 'lost', applied: false } : undefined;
    for (let i = 0; i < 3 * LIMITS.rangeTries; i++) {
      const fault = (call: StoreCall) => silent(call) ?? scanless(call);
      const worker = new Worker({ store: memoryStore({ data, fault }), migrations: [w.migration], clock, id: `s${i}` });
      await worker.step(campaign, ALIVE);
      clock.advance(LIMITS.longestClaimMs);
    }
    const status = await campaignStatus(w.context, await commands.theCampaign(w.context, 'feeds'));
    expect(status.stuck).toBeUndefined();
    await rest(w);
    expect(await verified(w)).toMatchObject({ clean: true });
  });
});

describe('ranges that several died over, of some other cause', () => {
  /** All of the first turn. */
  const suspects = async (w: World, campaign: commands.Campaign, names: readonly string[]) => {
    const value: RangeDocument = { v: 1, done: false, counts: {}, tries: LIMITS.rangeTries / 2 };
    for (const name of names) await save<'range'>(w.store, rangeKey(campaign, name), value, undefined);
  };
  const slowly = (store: Store, clock: Clock): Store => ({
    ...store,
    scan: async (range, limit) => {
      if (range.kind === 'Feed') await clock.sleep(300);
      return store.scan(range, limit);
    },
  });

  it('are done by one worker in little more time than others, as soon as a page of each is', async () => {
    const clock = timedClock();
    const w = world({ clock });
    await seed(w.store, 16_000);
    const campaign = await commands.start(w.context, 'feeds');
    const names = Array.from({ length: LIMITS.rangesPerHome }, (_, i) => planName(i));
    await suspects(w, campaign, names);
    const end = new AbortController();
    const working = new Worker({ ...w.context, store: slowly(w.store, clock), id: 'w1' }).run(end.signal);
    let seconds = 0;
    for (; seconds < 100 && (await commands.theCampaign(w.context, 'feeds')).sweep === 1; seconds++)
      await clock.pass(1_000);
    end.abort();
    await clock.run(working);
    // One page after the other would be twelve.
    expect(seconds).toBeLessThan(10);
  });

  it('wait as messages where they are pushed: none is forgotten while another is in hand', async () => {
    const clock = timedClock();
    const w = world({ clock });
    await seed(w.store, 160);
    const { dispatch, hints } = queue();
    const campaign = await commands.start(w.context, 'feeds');
    const worker = new Worker({ ...w.context, store: slowly(w.store, clock), id: 'w1', dispatch });
    await worker.tend(ALIVE);
    const [suspect, ...others] = hints.splice(0);
    await suspects(w, campaign, [suspect!.range]);
    const waiting = [...others.slice(0, 3), suspect!, ...others.slice(3)];
    // Four at once, with a look after each; what was given back comes again. Nobody else tends.
    const lane = async () => {
      for (let hint = waiting.shift(); hint; hint = waiting.shift()) {
        const answer = await worker.take(hint, ALIVE);
        await worker.tend(ALIVE);
        waiting.push(...hints.splice(0));
        if (answer === 'done') continue;
        await clock.sleep(1_000);
        waiting.push(hint);
      }
    };
    await clock.run(Promise.all([lane(), lane(), lane(), lane()]));
    expect((await commands.theCampaign(w.context, 'feeds')).settledAt).toBeDefined();
  });
});
