import type { Move, Side, Target } from '../../machines/moves.ts';
import type { Rules } from './flaws.ts';
import {
  birth,
  type Entity,
  effectOf,
  NOTHING,
  other,
  owner,
  type Pair,
  roleOf,
  shadow,
  show,
  tombstone,
  truth,
} from './pair.ts';

/** What the workers and the clients of the model do, one step at a time: one read, or one compare-and-set. */
export type Operation =
  | { readonly type: 'get' }
  | { readonly type: 'delete' }
  | { readonly type: 'update'; readonly value: number }
  | { readonly type: 'insert'; readonly value: number };

interface Reads {
  readonly S: Entity | null;
  readonly T: Entity | null;
}

/** `late`: it looked at the campaign under an earlier sweep or an earlier command. */
export type Worker =
  | { readonly at: 'idle' }
  | { readonly at: 'starting'; readonly target: Target; readonly late?: boolean }
  | ({ readonly at: 'readingT' | 'looking' | 'acting'; readonly target: Target; readonly late?: boolean } & Reads);

/**
 * How a campaign comes to its end, where a scenario asks for it. A sweep is `fresh` until somebody looks, `looking` while
 * one worker does and nothing had to be moved, `moved` once a move was tried or the look changed hands. A sweep that is
 * over proves that the record rests (`rests`), or it is followed by another (`again`).
 */
export type Phase = 'fresh' | 'looking' | 'moved' | 'rests' | 'again' | 'closed';

export interface Client extends Reads {
  readonly operation: Operation;
  readonly at: 'new' | 'reading' | 'readingT' | 'confirmingS' | 'confirmingT' | 'acting' | 'born' | 'settling' | 'done';
  /** The truths since it began, one bit each. */
  readonly seen: number;
  /** It looked at the record before the sweep that is under way began. */
  readonly late?: boolean;
}

export interface World extends Pair {
  readonly target: Target;
  /** What the operator will say next. */
  readonly commands: readonly Target[];
  /** How many workers may still crash. */
  readonly crashes: number;
  readonly workers: readonly Worker[];
  readonly clients: readonly Client[];
  readonly phase?: Phase;
}

/** From here on, whatever was looked at before is late. */
export function newSweep(world: World, phase: Phase): World {
  const late = <A extends Worker | Client>(actor: A): A => (actor.at === 'idle' ? actor : { ...actor, late: true });
  return { ...world, phase, workers: world.workers.map(late), clients: world.clients.map(late) };
}

/** What a client takes for done: it wrote `value` over `over`, or it tells that `value` was the truth. */
export type Wish =
  | { readonly kind: 'wrote'; readonly over: number; readonly value: number }
  | { readonly kind: 'read'; readonly value: number | 'any' };

export type Step = { readonly note: string; readonly world: World } & (
  | { readonly by: 'worker'; readonly aim?: Target }
  | { readonly by: 'client'; readonly wish?: Wish; readonly seen: number }
  | { readonly by: 'operator' }
);

/** Sets every side named, if each of them still is what the reads saw; undefined when one is not. */
function compareAndSet(world: World, reads: Reads, set: Partial<Pair>, { flaw }: Rules): World | undefined {
  const sides = Object.keys(set) as Side[];
  const stands = sides.every((side) => world[side] === reads[side]);
  return stands || flaw === 'lastWriteWins' ? { ...world, ...set } : undefined;
}

// ------------------------------------------------------------ workers: read the target, look, make the one next move

export function* workerSteps(world: World, i: number, rules: Rules): Generator<Step> {
  const worker = world.workers[i]!;
  const become = (next: Worker, rest: World = world): World => {
    const kept = next.at !== 'idle' && worker.at !== 'idle' && worker.late ? { ...next, late: true } : next;
    return { ...rest, workers: rest.workers.with(i, kept) };
  };
  const step = (doing: string, to: World, aim?: Target): Step => {
    return { by: 'worker', note: `worker ${doing}`, world: to, ...(aim ? { aim } : {}) };
  };
  if (worker.at === 'idle') {
    const phase = phaseAtStart(world, rules);
    if (phase !== 'over') yield step('starts', become({ at: 'starting', target: world.target }, inPhase(world, phase)));
    return;
  }
  const { target } = worker;
  if (world.crashes > 0) yield step('crashes', { ...become({ at: 'idle' }), crashes: world.crashes - 1 });
  if (worker.at === 'starting') {
    const separate = rules.mode === 'separate';
    const reads = { S: world.S, T: separate ? null : world.T };
    yield step(separate ? 'reads S' : 'reads both', become({ at: separate ? 'readingT' : 'acting', target, ...reads }));
  } else if (worker.at === 'readingT') {
    const reads = { S: worker.S, T: world.T };
    const move = rules.decide(reads, target);
    const mustLook = move && 'at' in move && move.at === 'T' && rules.flaw !== 'noLook';
    yield step('reads T', become({ at: mustLook ? 'looking' : 'acting', target, ...reads }));
  } else if (worker.at === 'looking') {
    const next: Worker = world.S === worker.S ? { ...worker, at: 'acting' } : { at: 'idle' };
    yield step('looks at S again', become(next));
  } else {
    const move = rules.decide(worker, target);
    const fenced = worker.late && rules.flaw !== 'unfenced';
    const done = move && !fenced && compareAndSet(world, worker, effectOf(move, worker), rules);
    const what = move ? `makes ${JSON.stringify(move)} of ${show(worker)}` : 'rests';
    const after = worker.late ? world.phase : phaseAfter(world, worker, move);
    if (!move && roleOf(worker.S) === 'B' && !fenced) {
      // One that is old was left by a client that died; how old it is, the model leaves open.
      const withdrawn = compareAndSet(world, worker, { S: null }, rules);
      const moved = worker.late ? world.phase : phaseAfter(world, worker, { type: 'drop', at: 'S' });
      yield step('withdraws a birth', become({ at: 'idle' }, inPhase(withdrawn ?? world, moved)), target);
    }
    yield step(what, become({ at: 'idle' }, inPhase(done || world, after)), target);
  }
}

const inPhase = (world: World, phase: Phase | undefined): World => (phase ? { ...world, phase } : world);

/** A second look in one sweep means that the first one came to no end: whoever made it may have moved something. */
function phaseAtStart({ phase }: World, { flaw }: Rules): Phase | 'over' | undefined {
  if (phase === undefined) return undefined;
  if (phase === 'fresh') return 'looking';
  if (phase === 'looking' || phase === 'moved') return flaw === 'handsUnnoticed' ? phase : 'moved';
  return 'over';
}

/** An insert that is under way is waited for: nobody closes over it. */
function phaseAfter({ phase }: World, reads: Reads, move: Move | null): Phase | undefined {
  if (phase !== 'looking' && phase !== 'moved') return phase;
  if (move) return 'moved';
  return phase === 'looking' && roleOf(reads.S) !== 'B' ? 'rests' : 'again';
}

// ------------------------------------------------------------ clients: the router's rules

/** Where two reads find the record. */
type Found =
  | { readonly in: 'owner'; readonly at: Side; readonly value: number }
  | { readonly in: 'ceded'; readonly peer: Side; readonly value: number }
  | { readonly in: 'nothing'; readonly value: typeof NOTHING };

function find(reads: Reads): Found {
  for (const at of ['S', 'T'] as const) {
    const role = roleOf(reads[at]);
    if (role === 'O' || role === 'X') return { in: 'owner', at, value: reads[at]!.value };
  }
  for (const at of ['S', 'T'] as const) {
    if (roleOf(reads[at]) === 'C') return { in: 'ceded', peer: other(at), value: reads[at]!.value };
  }
  return { in: 'nothing', value: NOTHING };
}

interface Doing {
  readonly world: World;
  readonly client: Client;
  readonly rules: Rules;
  /** The client looks again from the start. */
  again(what: string, world?: World): Step;
  /** It goes on. */
  go(what: string, next: Partial<Client>, world?: World): Step;
  /** It returns to its caller. */
  done(what: string, wish: Wish | undefined, world?: World): Step;
}

export function* clientSteps(world: World, i: number, rules: Rules): Generator<Step> {
  const client = world.clients[i]!;
  if (client.at === 'done') return;
  const go = (what: string, next: Partial<Client>, rest = world): Step => ({
    by: 'client',
    note: `${client.operation.type}: ${what}`,
    world: { ...rest, clients: rest.clients.with(i, { ...client, ...next }) },
    seen: client.seen,
  });
  const again = (what: string, rest = world) => go(what, { at: 'reading', S: null, T: null, late: false }, rest);
  const done = (what: string, wish: Wish | undefined, rest = world): Step => {
    return { ...go(what, { at: 'done', S: null, T: null }, rest), ...(wish ? { wish } : {}) } as Step;
  };
  const doing = { world, client, rules, again, go, done };
  switch (client.at) {
    case 'new':
      yield go('begins', { at: 'reading', seen: 1 << truth(world) });
      break;
    case 'acting':
      yield act(doing);
      if (client.operation.type === 'insert' && roleOf(client.S) === 'B' && roleOf(client.T) !== 'O') {
        yield again('withdraws a birth', compareAndSet(world, client, { S: null }, rules) ?? world);
      }
      break;
    case 'born':
      yield go('looks at T after the birth', { at: 'settling', T: world.T });
      break;
    case 'settling':
      yield settle(doing);
      break;
    default:
      yield read(doing, client.at);
  }
}

/** One snapshot; or S, T, S again, and T again before answering "absent" (rule 2). */
function read({ world, client, rules, again, go }: Doing, at: 'reading' | 'readingT' | 'confirmingS' | 'confirmingT') {
  if (rules.mode !== 'separate') return go('reads both', { at: 'acting', S: world.S, T: world.T });
  if (at === 'reading') return go('reads S', { at: 'readingT', S: world.S });
  if (at === 'readingT') {
    const reads = { S: client.S, T: world.T };
    const found = find(reads);
    const sure = found.in === 'owner' && (found.at === 'S' || client.operation.type !== 'delete');
    return go('reads T', { at: sure || rules.flaw === 'noConfirm' ? 'acting' : 'confirmingS', T: world.T });
  }
  const side = at === 'confirmingS' ? 'S' : 'T';
  if (world[side] !== client[side]) return again(`finds another ${side}`);
  const absent = find(client).in === 'nothing';
  return go(`confirms ${side}`, { at: side === 'S' && absent ? 'confirmingT' : 'acting' });
}

function act(doing: Doing): Step {
  const { client, done } = doing;
  const found = find(client);
  const { operation } = client;
  if (operation.type === 'get') return done(`returns ${found.value}`, { kind: 'read', value: found.value });
  if (operation.type === 'insert') return announce(doing, found, operation.value);
  if (found.value === NOTHING) return done('says that it is absent', { kind: 'read', value: NOTHING });
  const value = operation.type === 'delete' ? NOTHING : operation.value;
  return found.in === 'owner' ? overwrite(doing, found.at, value) : promote(doing, found as Ceded, value);
}

/** The owner is replaced; it is deleted outright only where no frozen content would rise again. */
function overwrite({ world, client, rules, again, done }: Doing, at: Side, value: number): Step {
  const outright = roleOf(client[other(at)]) !== 'C' || rules.flaw === 'deleteOutright';
  const gone = outright ? null : tombstone();
  if (value === NOTHING && !outright && client.late && rules.flaw !== 'buryLate') {
    return again('looks again before it leaves a tombstone');
  }
  const written = compareAndSet(world, client, { [at]: value === NOTHING ? gone : owner(value) }, rules);
  if (!written) return again(`loses ${at}`);
  return done(`writes ${value} at ${at}`, { kind: 'wrote', over: client[at]!.value, value }, written);
}

type Ceded = Extract<Found, { in: 'ceded' }>;

/** Ceded and not taken: the record is on its way to the peer, and a write takes it there by promoting the shadow. */
function promote({ world, client, rules, again, done }: Doing, { peer, value: frozen }: Ceded, value: number): Step {
  const role = roleOf(client[peer]);
  if (role === '-' && client.late && rules.flaw !== 'healLate')
    return again('looks again before it gives a shadow back');
  if (role === '-' && rules.flaw !== 'promoteByInsert') {
    const healed = compareAndSet(world, client, { [peer]: shadow(frozen) }, rules);
    return again(`gives ${peer} its shadow back`, healed ?? world);
  }
  if (role === 'B') return again('waits for the birth to be withdrawn');
  const written = compareAndSet(world, client, { [peer]: value === NOTHING ? tombstone() : owner(value) }, rules);
  if (!written) return again(`loses ${peer}`);
  return done(`writes ${value} by promoting ${peer}`, { kind: 'wrote', over: frozen, value }, written);
}

function announce({ world, client, rules, again, go, done }: Doing, found: Found, value: number): Step {
  if (found.value !== NOTHING) return done('says that it exists', { kind: 'read', value: 'any' });
  if (client.S || (client.T && roleOf(client.T) !== 'H')) return again('waits for the sweep');
  if (rules.flaw === 'insertAtOnce') {
    const written = compareAndSet(world, client, { S: owner(value) }, rules);
    return written ? done(`writes ${value} at S`, { kind: 'wrote', over: NOTHING, value }, written) : again('loses S');
  }
  const announced = compareAndSet(world, client, { S: birth(value) }, rules);
  return announced ? go('announces a birth', { at: 'born', S: announced.S }, announced) : again('loses S');
}

/** The birth stands while T is looked at, so nobody else can have been born there since. */
function settle({ world, client, rules, again, done }: Doing): Step {
  const { value } = client.S!;
  if (client.T && roleOf(client.T) !== 'H') {
    const withdrawn = compareAndSet(world, client, { S: null }, rules);
    return again('withdraws the birth', withdrawn ?? world);
  }
  const settled = compareAndSet(world, client, { S: owner(value) }, rules);
  if (!settled) return again('loses the birth');
  return done(`settles ${value} at S`, { kind: 'wrote', over: NOTHING, value }, settled);
}
