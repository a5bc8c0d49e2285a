import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as commands from '../../src/admin/commands.ts';
import { systemClock } from '../../src/clock.ts';
import { load } from '../../src/engine/documents.ts';
import { subscriptionKey } from '../../src/engine/subscriptionDocument.ts';
import { key } from '../../src/record/key.ts';
import { lmdbStore } from '../../src/store/lmdb.ts';
import { content } from '../engine/harness.ts';
import { Applications } from './applications.ts';
import { hubOf, migrationOf } from './migration.ts';
import { peerOf } from './peer.ts';
import { type Death, type HubManner, isOf, type Point } from './points.ts';
import { type Heard, passedOn, relay, type Said } from './relay.ts';
import { SharedClock } from './sharedClock.ts';

const BLOG = key('Blog', 1);
const PUBLISH_MS = 100;
/** Nothing more is published while so many updates wait: a slow machine has no longer queues than a fast one. */
const MOST_WAITING = 3;
/** Of half a minute that the next one has to wait, most is skipped. */
const SKIPPED_AFTER_DEATH_MS = 25_000;
const PATIENCE_MS = 30_000;

type Say = (context: commands.CommandContext) => Promise<unknown>;
export type Scene = Awaited<ReturnType<typeof scene>>;

/** Somebody who posts, an application in a process of its own that dies where it is told, and this one, which sees all. */
export async function scene(manner: HubManner) {
  const folder = mkdtempSync(join(tmpdir(), 'handover-intents-'));
  const path = join(folder, 'data');
  const store = lmdbStore({ path });
  const clock = new SharedClock();
  const peer = await peerOf(manner, clock);
  const deaths: string[] = [];
  /** Ids under which each number was applied. */
  const applied = new Map<number, Set<string>>();
  let due: Death | undefined;
  let broken: string | undefined;
  let underCampaign = false;

  const orders = () => ({ path, manner, epoch: clock.epoch, skippedMs: clock.skippedMs, death: due });
  const applications = new Applications({
    at: (death) => {
      // Two lanes of a slow worker may have come to the same point.
      if (due) void die(death);
    },
    applied: (id, numbers) => {
      for (const number of numbers) applied.set(number, (applied.get(number) ?? new Set()).add(id));
    },
    ended: (why) => {
      broken = why;
    },
  });

  /** Something is published just before, and something while nobody is there. */
  const die = async ({ operation, point }: Death) => {
    due = undefined;
    deaths.push(`${operation} ${point}`);
    peer.publish();
    await applications.kill();
    peer.publish();
    clock.skippedMs += SKIPPED_AFTER_DEATH_MS;
    await applications.begin(orders());
  };

  const isDue = (point: Point, change: { readonly mode: string; readonly side: string } | undefined) =>
    due?.point === point && change !== undefined && isOf(due.operation, change.mode, change.side) ? due : undefined;

  const gate = await relay(async (heard) => {
    const change = peer.changeIn(heard);
    const atOnce = isDue('when the request has arrived', change);
    if (atOnce) {
      await die(atOnce);
      await passedOn(heard, peer.origin);
      return undefined;
    }
    const said = await passedOn(heard, peer.origin);
    const afterwards = isDue('when the request is carried out', change);
    if (!afterwards) return said;
    await die(afterwards);
    return undefined;
  });

  const front = await relay(async (heard) => {
    if (!underCampaign) return asBefore(heard);
    const { port } = applications;
    if (port === undefined) return undefined;
    const change = questionIn(heard);
    const atOnce = isDue('when a confirmation is asked for', change);
    if (atOnce) {
      await die(atOnce);
      return undefined;
    }
    const said = await passedOn(heard, `http://127.0.0.1:${port}`);
    const stored = said?.status === 200 ? isDue('when a confirmation is stored', change) : undefined;
    if (!stored) return said;
    await die(stored);
    return undefined;
  });

  const context = { store, migrations: [migrationOf(hubOf(manner, clock), manner)], clock, by: 'ann' };
  const document = async () => (await load(store, 'subscription', subscriptionKey(BLOG.toString())))?.value;
  const until = async (what: string, condition: () => boolean | Promise<boolean>) => {
    const deadline = systemClock.now() + PATIENCE_MS;
    while (!(await condition())) {
      if (broken !== undefined) throw new Error(broken);
      if (systemClock.now() > deadline) {
        throw new Error(
          `Waited in vain: ${what}; ${JSON.stringify([deaths, peer.published, [...applied.keys()].toSorted((a, b) => a - b), peer.active(), await document()])}`,
        );
      }
      await systemClock.sleep(10);
    }
  };

  await store.overwrite([{ key: BLOG, content: content({ ...peer.termsAt(gate.origin, front.origin) }) }]);
  await peer.subscribeOld(`${front.origin}/old`);
  await until('the old URL is subscribed', () => peer.active().includes('/old'));
  underCampaign = true;
  await applications.begin(orders());
  // The application is asked from when a campaign knows of the old URL: nothing comes before.
  const publishing = new AbortController();
  const publisher = (async () => {
    while (!publishing.signal.aborted) {
      if (applied.size + MOST_WAITING > peer.published && (await document())) peer.publish();
      await systemClock.sleep(PUBLISH_MS, publishing.signal);
    }
  })();

  return {
    peer,
    deaths,
    document,
    until,
    say: (command: Say) => command(context),
    /** The operation is to end with a death at this point. */
    aim: (death: Death) => {
      due = death;
      applications.say({ death });
    },
    died: () => until(`a death: ${JSON.stringify(due)}`, () => due === undefined),
    skip: (ms: number) => {
      clock.skippedMs += ms;
      applications.say({ skippedMs: clock.skippedMs });
    },
    now: () => clock.now(),
    rest: () =>
      until('the campaign rests', async () => {
        const { settledAt, closed } = await commands.theCampaign(context, 'callbacks');
        return settledAt !== undefined || closed;
      }),
    /** Ends the publishing; resolves when all that was published is applied, with what was applied under two ids. */
    allApplied: async () => {
      publishing.abort();
      await publisher;
      await until('every update is applied', () => applied.size >= peer.published);
      return {
        numbers: [...applied.keys()].toSorted((a, b) => a - b),
        twice: [...applied].filter(([, ids]) => ids.size > 1),
      };
    },
    close: async () => {
      publishing.abort();
      await applications.close();
      await publisher;
      for (const each of [peer, gate, front, store]) await each.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Before a campaign knows of it, the application confirms its old URL by itself. */
function asBefore({ url }: Heard): Said {
  const challenge = new URL(url, 'http://front').searchParams.get('hub.challenge') ?? '';
  return { status: 200, headers: {}, body: challenge };
}

function questionIn({ method, url }: Heard) {
  const { pathname, searchParams } = new URL(url, 'http://front');
  const mode = searchParams.get('hub.mode');
  return method === 'GET' && mode ? { mode, side: pathname.slice(1) } : undefined;
}
