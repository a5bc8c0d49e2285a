import { describe, expect, it } from 'vitest';
import { oneAGroup } from '../../src/store/datastore/turns.ts';
import type { WireMutation } from '../../src/store/datastore/wire.ts';

/** Commits to the groups of these names, under way until they are told how they end. */
function commits() {
  const turn = oneAGroup();
  const begun: string[] = [];
  const ends = new Map<string, { resolve(answer: string): void; reject(error: Error): void }>();
  const start = (name: string, groups: string) => {
    const mutations = [...groups].map((group, i): WireMutation => {
      const path = [
        { kind: 'User', name: group },
        { kind: 'Feed', id: String(i + 1) },
      ];
      return i % 2 === 0 ? { delete: { path } } : { upsert: { key: { path }, properties: {} } };
    });
    return turn(mutations, () => {
      begun.push(name);
      return new Promise<string>((resolve, reject) => ends.set(name, { resolve, reject }));
    });
  };
  const quiet = () => new Promise((resolve) => setImmediate(resolve));
  return { start, begun, end: (name: string) => ends.get(name)!, quiet };
}

describe('datastore: commits that share an entity group', () => {
  it('go one after the other in their order, and others do not wait for them', async () => {
    const { start, begun, end, quiet } = commits();
    const first = start('first', 'ab');
    const second = start('second', 'bc');
    const third = start('third', 'c');
    const other = start('other', 'dd');
    await quiet();
    expect(begun).toEqual(['first', 'other']);
    end('first').resolve('done');
    expect(await first).toBe('done');
    await quiet();
    expect(begun).toEqual(['first', 'other', 'second']);
    end('second').resolve('done too');
    await second;
    await quiet();
    expect(begun).toEqual(['first', 'other', 'second', 'third']);
    for (const name of ['third', 'other']) end(name).resolve(name);
    expect(await Promise.all([third, other])).toEqual(['third', 'other']);
  });

  it('one that fails lets the next one go', async () => {
    const { start, begun, end, quiet } = commits();
    const failing = start('failing', 'a');
    const next = start('next', 'a');
    await quiet();
    end('failing').reject(new Error('no'));
    await expect(failing).rejects.toThrow('no');
    await quiet();
    expect(begun).toEqual(['failing', 'next']);
    end('next').resolve('yes');
    expect(await next).toBe('yes');
  });
});
