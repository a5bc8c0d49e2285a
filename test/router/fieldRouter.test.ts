import { describe, expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { field } from '../../src/define/field.ts';
import { defineMigration } from '../../src/define/migration.ts';
import { key } from '../../src/record/key.ts';
import { FieldRouter } from '../../src/router/fieldRouter.ts';
import { memoryStore, type StoreCall } from '../../src/store/memory.ts';
import { MemoryData } from '../../src/store/memoryData.ts';
import { content, rest, world } from '../engine/harness.ts';

interface Old {
  mail: string;
}
interface New {
  email: string;
}

const rule = field<Old, New>({ of: 'Tenant', rename: { mail: 'email' } });
const at = key('Tenant', 1);

/** A client whose first commit is not answered, applied or not, and another one that deletes the record right after it. */
function torn(applied: boolean) {
  const data = new MemoryData();
  const other = new FieldRouter<New, Old>({ store: memoryStore({ data }), rule });
  let lost = false;
  const said: { deleted?: boolean } = {};
  const fault = async ({ op }: StoreCall) => {
    if (op === 'commit' && !lost) {
      lost = true;
      return { kind: 'lost', applied } as const;
    }
    if (op === 'read' && lost && said.deleted === undefined) {
      said.deleted = false;
      said.deleted = await other.delete(at);
    }
    return undefined;
  };
  return { client: new FieldRouter<New, Old>({ store: memoryStore({ data, fault }), rule }), other, said };
}

describe('a write whose answer was lost, of a record that somebody else deletes then', () => {
  it('does not bring it back: nobody can tell any more', async () => {
    for (const call of ['insert', 'put'] as const) {
      const { client, other, said } = torn(true);
      await expect(client[call](at, { email: 'x' }), call).rejects.toMatchObject({ code: 'store.unknown' });
      expect(said.deleted).toBe(true);
      expect(await other.get(at)).toBeUndefined();
    }
  });

  it('is not said to have deleted it, too', async () => {
    const { client, other, said } = torn(false);
    await other.insert(at, { email: 'x' });
    await expect(client.delete(at)).rejects.toMatchObject({ code: 'store.unknown' });
    expect(said.deleted).toBe(true);
  });
});

describe('the calls that a router makes', () => {
  it('are one for a read and two for a write, and one more to look at the campaign where it moves records on', async () => {
    const migration = defineMigration({ name: 'mails', version: 1, fields: [rule] });
    const calls: string[] = [];
    const fault = ({ op }: StoreCall) => {
      calls.push(op);
      return undefined;
    };
    const data = new MemoryData();
    const w = world({ migration, store: memoryStore({ data }) });
    const keys = Array.from({ length: 50 }, (_, i) => key('Tenant', i + 1));
    await w.store.overwrite(keys.map((each) => ({ key: each, content: content({ mail: 'x' }) })));
    await commands.start(w.context, 'mails', { to: 'switched' });
    await rest(w);
    const store = memoryStore({ data, fault });
    const made = async (act: () => Promise<unknown>) => {
      calls.length = 0;
      await act();
      return [...calls];
    };
    const plain = new FieldRouter<New, Old>({ store, rule });
    expect(await made(() => plain.getMany(keys))).toEqual(['read']);
    expect(await made(() => plain.update(at, (tenant) => tenant))).toEqual(['read', 'commit']);
    const mover = new FieldRouter<New, Old>({ store, rule, migrate: { on: 'read', migration } });
    expect(await made(() => mover.getMany(keys))).toEqual(['read', 'read']);
    expect(await made(() => mover.update(at, (tenant) => tenant))).toEqual(['read', 'commit', 'read']);
    await commands.complete(w.context, 'mails');
    expect(await made(() => mover.getMany(keys))).toEqual(['read', 'read', 'read', 'commit']);
    expect(await mover.legacy.get(at)).toEqual({ mail: 'x' });
    expect(Object.keys(Object.fromEntries((await w.store.read([at]))[0]!.content.properties))).toEqual(['email']);
  });
});
