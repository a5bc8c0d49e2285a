import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import type { World } from '../engine/harness.ts';
import { rest } from '../engine/harness.ts';
import { begun, broken, perCurrency, perUser } from '../engine/payments.ts';
import { served } from '../server/harness.ts';
import { Project } from './project.ts';

const PAYMENTS = `
import { count, defineMigration, entity, key, sum } from 'handover';

interface Old { user: string; amount: string }
interface New { user: string; cents: number }
const cents = (amount: string) => Math.round(Number(amount) * 100);
const rule = entity<Old, New>({
  from: 'Feed',
  into: 'User/Feed',
  to: (paid, old) => key('User', paid.user, 'Feed', old.id),
  forward: ({ user, title }: any) => ({ user, cents: CENTS }) as never,
  backward: ({ user, cents }) => ({ user, title: 'feed ' + cents / 100 }) as never,
});
const of = ({ title }: any) => Math.round(Number(title.slice(5)) * 100);

export default defineMigration({
  name: 'feeds',
  version: 1,
  records: [rule],
  invariants: [
    count({ name: 'feeds' }),
    sum<any, New>({ name: 'numbers', value: { old: of, new: ({ cents }) => cents } }),
  ],
});
`;

describe('invariants on the command line', () => {
  let project: Project;
  beforeEach(async () => {
    project = new Project({ 'migrations/feeds.ts': PAYMENTS.replace('CENTS', '7') });
    await project.seed(10);
  });
  afterEach(() => project.dispose());

  it('a broken one is told by `start --wait`, by `status`, and group by group by `verify`', async () => {
    const { code, out: told } = await project.run('start', '--wait');
    expect(code).toBe(5);
    expect(told).toContain('"numbers" is broken: 70 where 5500 is expected');
    const { out } = await project.run('status');
    expect(out).toMatch(/invariants {3}1 held, 1 BROKEN, taken \d{4}-/);
    expect(out).toContain('correct what is wrong, then handover verify feeds and handover resume feeds');
    const verified = await project.run('verify');
    expect(verified.code).toBe(4);
    expect(verified.out).toContain(`Invariants, read at one moment:
  held  feeds: 10 records in 1 group
  BROKEN  numbers: 10 records in 1 group
    70 where 5500 is expected`);
    const { data } = await project.json('verify');
    expect(data).toMatchObject({ clean: false, invariants: { state: 'broken', moment: true } });
    expect((await project.run('start', '--to', 'completed')).err).toContain('invariant.early');
  });
});

describe('invariants in the API', () => {
  const paused = async (): Promise<World> => {
    const here = await begun(broken, [perUser, perCurrency]);
    await rest(here);
    return here;
  };

  it('are in the status of their campaign, and a refused command is a conflict', async () => {
    const here = await paused();
    const server = await served({ store: here.store, migrations: [here.migration] });
    const { body } = await server.ask('/v1/campaigns/feeds.1');
    expect(body).toMatchObject({ run: 'paused', invariants: { state: 'broken', moment: true, passes: 1 } });
    expect(body['invariants'].results[1].differences[0]).toEqual({ group: 'EUR', expected: '2625', found: '2500' });
    const early = await server.ask('/v1/migrations/feeds/start', {
      token: 'handover_admin-0123456789',
      headers: { 'if-match': '*' },
      body: { reason: 'at once', to: 'completed', confirm: 'feeds' },
    });
    expect([early.status, early.body['code']]).toEqual([409, 'invariant.early']);
  });

  it('are not there where the migration has none', async () => {
    const here = await begun(broken, []);
    const { campaigns } = commands;
    expect(await campaigns(here.context)).toHaveLength(1);
    const server = await served({ store: here.store, migrations: [here.migration] });
    expect((await server.ask('/v1/campaigns/feeds.1')).body).not.toHaveProperty('invariants');
  });
});
