import type { pino } from 'pino';
import { campaigns } from '../../admin/commands.ts';
import { isHeldUp } from '../../admin/stuck.ts';
import type { Migration } from '../../define/migration.ts';
import { list } from '../../engine/documents.ts';
import { isHookDue, missingHooks } from '../../engine/hooksDue.ts';
import type { CampaignDocument } from '../../engine/schemas.ts';
import { isStripping } from '../../engine/strip.ts';
import { Worker, type WorkerEvents } from '../../engine/worker.ts';
import { HandoverError } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';
import { many } from '../format.ts';
import { watchInbox } from '../inboxWatch.ts';
import { workLog } from '../log.ts';
import type { Reply, Session, Verb } from '../verb.ts';
import { version } from '../version.ts';

interface Tally {
  records: number;
  moves: number;
  sweeps: number;
}

export const workVerb: Verb<{ untilSettled?: boolean }> = {
  usage: 'work',
  summary: 'run a worker for all campaigns, until SIGINT or SIGTERM; logs go to stderr',
  configure: (command) => command.option('--until-settled', 'end when every campaign rests'),
  async run(session, _args, { untilSettled = false }) {
    const { held, worker, tally } = await withWorker(session, workLog(session), async (worker) => {
      if (untilSettled) return workUntilSettled(session, worker);
      await worker.run(session.signal);
      return [];
    });
    return replyOf(worker, tally, held);
  },
};

/** A worker, and what it does beside its campaigns, for as long as `work` takes. */
export async function withWorker(
  session: Working,
  log: pino.Logger,
  work: (worker: Worker) => Promise<readonly string[]>,
  counting: WorkerEvents = {},
): Promise<{ readonly worker: string; readonly tally: Tally; readonly held: readonly string[] }> {
  const { worker, tally, close } = await openWorker(session, log, counting);
  try {
    return { held: await work(worker), worker: worker.id, tally };
  } finally {
    await close();
  }
}

type Working = Pick<Session, 'store' | 'migrations' | 'clock' | 'signal' | 'project'>;

/** A worker that does nothing yet, but for what is done beside campaigns until it is closed. */
export async function openWorker(session: Working, log: pino.Logger, counting: WorkerEvents = {}) {
  const tally: Tally = { records: 0, moves: 0, sweeps: 0 };
  // What it finds in topics goes where deliveries go: the application runs its handler from there.
  const { Inbox, takeInto } = await import('../../webhooks/index.ts');
  const onCorrupt = ({ code, detail }: HandoverError) => log.warn({ event: 'delivery.corrupted', code, detail });
  const inbox = new Inbox({ ...session, onCorrupt });
  const takeIn = takeInto(inbox);
  const traces = await import('../../server/metrics/traces.ts').then((module) => module.traces());
  const store = traces?.traced(session.store) ?? session.store;
  const events = { ...told(eventsTo(log, tally), counting), ...traces?.events };
  const dispatch = await session.project.config.dispatch?.();
  const worker = new Worker({ ...session, store, takeIn, events, ...(dispatch ? { dispatch } : {}) });
  const migrations = session.migrations.map(({ name }) => name);
  log.info({
    event: 'worker.started',
    worker: worker.id,
    version: version(),
    migrations,
    dispatch: dispatch?.name ?? 'local',
  });
  const over = new AbortController();
  const watching = watchInbox(session, inbox, log, AbortSignal.any([session.signal, over.signal]));
  const close = async () => {
    over.abort();
    await watching;
    await dispatch?.close();
    log.info({ event: 'worker.stopped', worker: worker.id, ...tally });
  };
  return { worker, dispatch, tally, close };
}

function replyOf(worker: string, tally: Tally, held: readonly string[]): Reply {
  const waiting = held.length === 0 ? '' : `\nPaused, blocked, or with quarantined records: ${held.join(', ')}.`;
  const text = `${worker} looked at ${many(tally.records, 'record')} in ${many(tally.sweeps, 'sweep')} it ended, ${many(tally.moves, 'move')}.`;
  return { data: { worker, ...tally, held }, text: text + waiting, exit: held.length === 0 ? 'done' : 'held' };
}

/** Whether the hooks that are due are here. */
const canCall = (campaign: CampaignDocument, migration: Migration): boolean =>
  !isHookDue(campaign) || missingHooks(campaign, migration).length === 0;

/** Works until no campaign has anything left to do, and says which ones are held up. */
async function workUntilSettled(session: Session, worker: Worker): Promise<readonly string[]> {
  const { store, migrations, clock, signal } = session;
  while (!signal.aborted) {
    const open = (await campaigns({ store })).filter(
      (each) => isStripping(each) || (!each.closed && (each.stage !== 'draft' || isHookDue(each))),
    );
    const known = (each: CampaignDocument) =>
      migrations.some((migration) => migration.fingerprint === each.definition && canCall(each, migration));
    const moving = open.filter(
      (each) =>
        (isStripping(each) || each.settledAt === undefined || isHookDue(each)) && each.run === 'running' && known(each),
    );
    if (moving.length === 0) {
      const held: string[] = [];
      for (const each of open) {
        const { done } = await list(store, 'quarantine', each.id).next();
        if (each.run === 'paused' || !known(each) || !done) held.push(each.id);
      }
      return held;
    }
    const worked = await Promise.all(moving.map((campaign) => worker.step(campaign, signal)));
    if (worked.includes(true)) continue;
    const heldUp = await Promise.all(moving.map((campaign) => isHeldUp(session, campaign)));
    if (!heldUp.includes(false)) return moving.map(({ id }) => id);
    await clock.sleep(LIMITS.idleMs, signal);
  }
  throw new HandoverError('wait.interrupted', 'Stopped before every campaign was settled.');
}

/** Both are told of what both want to know; of the rest, the other one where it does. */
function told(one: WorkerEvents, other: WorkerEvents): WorkerEvents {
  return {
    ...one,
    ...other,
    moved: (...args) => {
      one.moved?.(...args);
      other.moved?.(...args);
    },
    hooked: (...args) => {
      one.hooked?.(...args);
      other.hooked?.(...args);
    },
    swept: (...args) => {
      one.swept?.(...args);
      other.swept?.(...args);
    },
    faltered: (...args) => {
      one.faltered?.(...args);
      other.faltered?.(...args);
    },
  };
}

/** Log events are `noun.participle`. */
function eventsTo(log: pino.Logger, tally: Tally): WorkerEvents {
  return {
    moved: (campaign, type, n) => {
      // The first one tells how long a worker takes to be of use; the rest would only be noise.
      if (tally.moves === 0) log.info({ event: 'move.made', campaign, type });
      tally.moves += n;
    },
    paged: (_campaign, n) => {
      tally.records += n;
    },
    swept: ({ id, stage, lastSweep }, counts, clean) => {
      tally.sweeps++;
      log.info({ event: 'campaign.swept', campaign: id, stage, sweep: lastSweep?.sweep, clean, counts });
    },
    quarantined: ({ campaign, key, code, message }) => {
      log.warn({ event: 'record.quarantined', campaign, key, code, message });
    },
    paused: (campaign, because, { migration, command }) => {
      log.warn({ event: 'campaign.paused', campaign, migration, because, command });
    },
    hooked: ({ cause, ...facts }) =>
      cause === undefined
        ? log.info({ event: 'hook.completed', ...facts })
        : log.warn({ event: 'hook.failed', ...facts, cause }),
    refused: ({ id, migration }) => log.warn({ event: 'campaign.refused', campaign: id, migration }),
    faltered: ({ code, detail }) =>
      code.startsWith('dispatch.')
        ? log.warn({ event: 'dispatch.faltered', code, detail })
        : log.warn({ event: 'store.faltered', code, detail }),
    setAside: (letter) => log.error({ event: 'range.stranded', ...letter }),
  };
}
