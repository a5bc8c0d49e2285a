import { beforeEach, describe, expect, it } from 'vitest';
import { audit } from '../../src/admin/audit.ts';
import * as commands from '../../src/admin/commands.ts';
import { campaignAt, updateCampaign } from '../../src/engine/campaigns.ts';
import { documentKey } from '../../src/engine/documents.ts';
import { LIMITS } from '../../src/limits.ts';
import { Crash, MemoryData, memoryStore } from '../../src/store/memory.ts';
import { handClock, STRIKES, world } from '../engine/harness.ts';

const FULL = LIMITS.historyEntries;
const ID = 'feeds.1';
let data: MemoryData;
beforeEach(() => {
  data = new MemoryData();
});

const operator = (fault?: NonNullable<Parameters<typeof memoryStore>[0]>['fault'], clock = handClock()) =>
  world({ store: memoryStore({ data, ...(fault ? { fault } : {}) }), clock }).context;

/** A campaign whose history is full: `start`, and as many changes of its pace as fit. */
async function full(more = 0) {
  const context = operator();
  await commands.start(context, 'feeds');
  for (let i = 1; i < FULL + more; i++) await commands.setPace(context, 'feeds', { ceiling: i });
  return context;
}

const whats = async (limit = 10_000, after = 0) =>
  (await audit(operator(), 'feeds', { limit, after })).commands.map(({ number, what }) => `${number} ${what}`);
const expected = (count: number) =>
  Array.from({ length: count }, (_, i) => (i === 0 ? '0 start' : `${i} pace: ceiling ${i}`));

describe('an audit trail', () => {
  it('keeps every command beyond what the campaign itself remembers, in order', async () => {
    await full(5);
    const campaign = (await campaignAt(operator().store, ID))!;
    expect([campaign.history.length, campaign.archived]).toEqual([FULL, 5]);
    expect(await whats()).toEqual(expected(FULL + 5));
  });

  it('is read in pages that cross from what was put away to what is new', async () => {
    await full(5);
    const page = await audit(operator(), ID, { after: 3, limit: 4 });
    expect(page.commands.map(({ number }) => number)).toEqual([3, 4, 5, 6]);
    expect(page.next).toBe(7);
    expect((await audit(operator(), ID, { after: FULL, limit: 5 })).next).toBeUndefined();
    expect((await audit(operator(), ID, { after: FULL + 99, limit: 5 })).commands).toEqual([]);
  });

  it('says who, when, what, why, and from where', async () => {
    const from = { way: 'api' as const, address: '192.0.2.7' };
    await commands.start({ ...operator(), from }, 'feeds', { reason: 'the night is quiet' });
    const [entry] = (await audit(operator(), ID)).commands;
    expect(entry).toMatchObject({ by: 'ann', what: 'start', reason: 'the night is quiet', from });
    expect(entry!.at).toBeGreaterThan(0);
  });

  it('says so when somebody removed a part of it', async () => {
    const { store } = await full(3);
    const key = documentKey('command', ID, '0000000001');
    const [there] = await store.read([key]);
    await store.commit([{ op: 'delete', key, version: there!.version }]);
    await expect(audit(operator(), ID, { limit: 3 })).rejects.toMatchObject({ code: 'content.corrupt' });
  });
});

describe.each(Object.entries(STRIKES))('%s at each step of a command that puts the oldest away', (_, strike) => {
  it('loses no command and doubles none', async () => {
    for (let step = 0; ; step++) {
      data = new MemoryData();
      await full();
      let calls = 0;
      const faulty = operator((call) => (calls++ === step ? strike(call) : undefined));
      const ended = await commands.setPace(faulty, 'feeds', { ceiling: FULL }).then(
        () => 'done',
        (error) => error,
      );
      if (ended instanceof Crash) {
        // Whether it took effect is seen by looking; the operator then says it again, or need not.
        const { history } = (await campaignAt(operator().store, ID))!;
        if (history.at(-1)!.what !== `pace: ceiling ${FULL}`) {
          await commands.setPace(operator(), 'feeds', { ceiling: FULL });
        }
      } else if (ended !== 'done') {
        // A read that was lost: nothing was written.
        expect(ended).toMatchObject({ code: 'store.unknown' });
        await commands.setPace(operator(), 'feeds', { ceiling: FULL });
      }
      expect(await whats(), `step ${step}`).toEqual(expected(FULL + 1));
      if (calls <= step) return expect(step).toBeGreaterThan(3);
    }
  });
});

describe('a command with a name of its own', () => {
  const call = { id: 'the-key', asked: 'start' };

  it('is carried out once, also when it was put away since, and by another process', async () => {
    await commands.start({ ...operator(), call }, 'feeds');
    for (let i = 1; i < FULL + 9; i++) await commands.setPace(operator(), 'feeds', { ceiling: i });
    const before = (await campaignAt(operator().store, ID))!;
    await commands.start({ ...operator(), call }, 'feeds');
    expect(await campaignAt(operator().store, ID)).toEqual(before);
  });

  it('is refused where the name was used for something else', async () => {
    await commands.start({ ...operator(), call }, 'feeds');
    const other = commands.pause({ ...operator(), call: { id: call.id, asked: 'pause' } }, 'feeds');
    await expect(other).rejects.toMatchObject({ code: 'request.repeated' });
  });

  it('is not carried out where the campaign is not as expected, unless it was already', async () => {
    await commands.start(operator(), 'feeds');
    const expects = () => {
      throw new Error('changed');
    };
    const named = { ...operator(), call, expects };
    await expect(commands.pause(named, 'feeds')).rejects.toThrow('changed');
    await updateCampaign(operator(), ID, (now) => ({
      ...now,
      history: [...now.history, { at: 1, by: 'ann', what: 'pause', ...call }],
    }));
    await commands.pause(named, 'feeds');
  });
});
