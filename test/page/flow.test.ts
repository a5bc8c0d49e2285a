import { describe, expect, it } from 'vitest';
import type { CampaignStatus } from '../../src/admin/inspect.ts';
import { charts } from '../../src/engine/charts.ts';
import { statesOf } from '../../src/engine/counts.ts';
import { flowBetween, narrowed, soFar } from '../../src/page/chart/flow.ts';
import { eventsOf } from '../../src/page/events.ts';
import { rateOf, sampled } from '../../src/page/pace.ts';

const { record } = charts();
const towards = (target: string) => record!.transitions.filter(({ event }) => event === `want.${target}`);

describe('the flow between states', () => {
  it('goes the shortest way of the machine, and as many leave as arrive', () => {
    const flow = flowBetween({ copied: 100 }, { copied: 60, switched: 40 }, towards('switched'));
    expect(Object.fromEntries(flow)).toEqual({ 'copied handingOver': 40, 'handingOver switched': 40 });
  });

  it('is none where nothing moved, nor where the machine has no way', () => {
    expect(flowBetween({ copied: 5 }, { copied: 5 }, towards('switched')).size).toBe(0);
    expect(flowBetween({ switched: 5 }, { copied: 5 }, towards('switched')).size).toBe(0);
  });

  it('counts a sweep under way as the engine does, completed records once', () => {
    const counts = { seen: 9, 'S.completed': 4, 'T.completed': 4, 'S.switched': 1, moved: 4, 'subscription:home': 2 };
    expect(soFar({ counts } as unknown as CampaignStatus['sweep'])).toEqual(statesOf(counts));
  });
});

describe('the chart that is drawn at first', () => {
  it('has the way there, and no way back for a share that rests', () => {
    const { states } = narrowed(record!, ['switched', 'copied'], { copied: 90, switched: 10 });
    expect(states).toEqual(['atHome', 'copied', 'handingOver', 'switched', 'completed']);
  });

  it('has the way back when that is wanted, and every state that holds a record', () => {
    const { states } = narrowed(record!, ['home'], { switched: 3, split: 1 });
    expect(states).toEqual(['atHome', 'returned', 'switched', 'reversible', 'handingBack', 'split']);
  });
});

describe('the rate', () => {
  const at = (ms: number, seen: number, sweep = '1.1') => ({ at: ms, seen, sweep });

  it('is not told from less than a second', () => {
    expect(rateOf([at(0, 0), at(500, 100)], 500)).toBeUndefined();
  });

  it('begins anew with each sweep', () => {
    const samples = sampled(sampled([], at(0, 900)), at(1_000, 10, '1.2'));
    expect(samples).toEqual([at(1_000, 10, '1.2')]);
  });

  it('falls while nothing comes in', () => {
    const samples = [at(0, 0), at(1_000, 100)];
    expect(rateOf(samples, 1_000)).toBe(100);
    expect(rateOf(samples, 10_000)).toBe(10);
  });
});

describe('a stream of events', () => {
  const read = async (...chunks: Uint8Array[]) => {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const chunk of chunks) controller.enqueue(chunk);
        controller.close();
      },
    });
    const all = [];
    for await (const event of eventsOf(body)) all.push(event);
    return all;
  };
  const encode = (text: string) => new TextEncoder().encode(text);

  it('may be cut anywhere, in a line end or a letter of several bytes', async () => {
    const text = 'retry: 2000\n\n:\n\nevent: campaign\r\nid: a-1\r\ndata: {"é":\r\ndata: 1}\r\n\r\n';
    const bytes = encode(text);
    for (let at = 0; at < bytes.length; at++) {
      const all = await read(bytes.slice(0, at), bytes.slice(at));
      expect(all, String(at)).toEqual([{ event: 'campaign', id: 'a-1', data: '{"é":\n1}' }]);
    }
  });

  it('that breaks off in an event leaves that one out', async () => {
    expect(await read(encode('event: campaigns\ndata: 1\n\nevent: campaign\ndata: 2\n'))).toEqual([
      { event: 'campaigns', data: '1' },
    ]);
  });
});
