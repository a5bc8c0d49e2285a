import type { Side, Target } from '../../machines/moves.ts';
import {
  type Client,
  clientSteps,
  newSweep,
  type Operation,
  type Step,
  type Wish,
  type Worker,
  type World,
  workerSteps,
} from './actors.ts';
import { type Rules, rulesOf } from './flaws.ts';
import { apply, type Entity, isSplit, NOTHING, type Pair, roleOf, show, truth } from './pair.ts';

/**
 * An exhaustive check of the protocol with our own record machine as the workers' brain: every order of every step of
 * some workers, clients and operator commands is walked through, breadth first, and every world that comes up must keep
 * P1 to P7 of docs/PROTOCOL.md. A worker that crashes, and a commit whose answer is lost (P5), are the same to it: what
 * it held is gone, and it looks again.
 */
export interface Scenario {
  readonly S?: Entity | null;
  readonly T?: Entity | null;
  /** Where the operator wants the record, one command after the other. */
  readonly targets: readonly Target[];
  readonly workers: number;
  readonly crashes?: number;
  readonly clients: readonly Operation[];
  /** Workers sweep, and the campaign closes at its last target. */
  readonly closes?: boolean;
}

export interface Verdict {
  /** How many different worlds came up. */
  readonly worlds: number;
  /** What went wrong first, if anything did, and the steps that led there. */
  readonly violation?: { readonly why: string; readonly steps: readonly string[] };
}

export function explore(scenario: Scenario, rules: Rules): Verdict {
  const start = open(scenario);
  const index = new Map([[keyOf(start), 0]]);
  const worlds: World[] = [start];
  const cameFrom: [parent: number, note: string][] = [[-1, '(start)']];
  const fail = (why: string, at: number, last: string): Verdict => {
    const steps = [last];
    for (let i = at; i >= 0; i = cameFrom[i]![0]) steps.unshift(cameFrom[i]![1]);
    return { worlds: worlds.length, violation: { why, steps } };
  };
  for (let at = 0; at < worlds.length; at++) {
    const world = worlds[at]!;
    for (const step of stepsOf(world, rules)) {
      const why = checkStep(world, step);
      if (why) return fail(why, at, step.note);
      const next = observe(step.world);
      const key = keyOf(next);
      if (index.has(key)) continue;
      index.set(key, worlds.length);
      worlds.push(next);
      cameFrom.push([at, step.note]);
    }
  }
  const rested = new Set<string>();
  for (let at = 0; at < worlds.length; at++) {
    const why = checkRest(worlds[at]!, rested, rules);
    if (why) return fail(why, at, 'a sweep alone');
  }
  return { worlds: worlds.length };
}

function open({ S, T, targets, workers, crashes, clients, closes }: Scenario): World {
  return {
    ...(closes ? { phase: 'fresh' as const } : {}),
    S: S ?? null,
    T: T ?? null,
    target: targets[0]!,
    commands: targets.slice(1),
    crashes: crashes ?? 0,
    workers: Array.from({ length: workers }, (): Worker => ({ at: 'idle' })),
    clients: clients.map((operation): Client => ({ operation, at: 'new', seen: 0, S: null, T: null })),
  };
}

function* stepsOf(world: World, rules: Rules): Generator<Step> {
  for (let i = 0; i < world.workers.length; i++) yield* workerSteps(world, i, rules);
  for (let i = 0; i < world.clients.length; i++) yield* clientSteps(world, i, rules);
  const [target, ...commands] = world.commands;
  const { phase } = world;
  if (target && phase !== 'closed') {
    const next = { ...world, target, commands };
    yield { by: 'operator', note: `operator: ${target}`, world: phase ? afterCommand(next, rules) : next };
  }
  const closes = phase === 'rests' || (phase === 'again' && rules.flaw === 'closeOnMoves');
  if (closes && !target) yield { by: 'operator', note: 'the campaign closes', world: newSweep(world, 'closed') };
  if (phase === 'again') yield { by: 'operator', note: 'the next sweep begins', world: newSweep(world, 'fresh') };
}

/** Without a guard, what others saw before the command may still land: the sweep that follows proves nothing. */
const afterCommand = (world: World, { fence }: Rules): World =>
  fence === 'guard' ? newSweep(world, 'fresh') : { ...world, phase: 'moved' };

/** P1, P2, P3, P6 and P7 of one step. */
function checkStep(before: World, step: Step): string | undefined {
  const { phase, target } = step.world;
  const shape = roleOf(step.world.S) + roleOf(step.world.T);
  if (phase === 'closed' && !REST[target].includes(shape) && shape !== 'B-') {
    return `P7: ${show(step.world)} under a campaign that closed at ${target}`;
  }
  if (isSplit(step.world)) return `P1: two hold the truth: ${show(step.world)}`;
  const was = truth(before);
  const is = truth(step.world);
  if (step.by === 'client' && step.wish?.kind === 'wrote') {
    const { over, value } = step.wish;
    if (was !== over || is !== value) return `P2: a write of ${value} over ${over} found ${was} and left ${is}`;
  } else if (was !== is) {
    return `P2: a step of the ${step.by} changed the truth from ${was} to ${is}`;
  }
  if (step.by === 'client' && step.wish?.kind === 'read' && !isSeen(step.wish, step.seen)) {
    return `P3: ${JSON.stringify(step.wish)} was true at no moment since the operation began`;
  }
  if (step.by === 'worker' && step.aim === 'copied' && isOwnedAtHome(before) && before.S !== step.world.S) {
    return `P6: the copy phase wrote to S: ${show(before)} became ${show(step.world)}`;
  }
  return undefined;
}

/** `any` stands for "there is a record", whatever its content. */
function isSeen({ value }: Extract<Wish, { kind: 'read' }>, seen: number): boolean {
  return value === 'any' ? (seen & ~(1 << NOTHING)) !== 0 : (seen & (1 << value)) !== 0;
}

const isOwnedAtHome = ({ S, T }: Pair) => S?.role === 'O' && (T === null || T.role === 'H');

/** The shapes in which a record may come to rest. */
const REST: Readonly<Record<Target, readonly string[]>> = {
  home: ['O-', '--'],
  copied: ['OH', '--'],
  switched: ['CO', 'HO', '-O', '--'],
  completed: ['-O', '--'],
};
const MOST_MOVES = 12;

/** P4, from the pair as it stands and with nobody else about: by the full path and by the short one. */
function checkRest(world: World, rested: Set<string>, rules: Rules): string | undefined {
  if (world.phase === 'closed') return undefined;
  const name = `${show(world)} ${world.target}`;
  if (rested.has(name)) return undefined;
  rested.add(name);
  const alone = (decide: Rules['decide']) => sweepAlone(world, world.target, decide);
  return alone(rules.decide) ?? alone(rulesOf('together').decide);
}

export function sweepAlone(from: Pair, target: Target, decide: Rules['decide']): string | undefined {
  let pair: Pair = { S: from.S, T: from.T };
  for (let moves = 0; ; moves++) {
    const move = decide(pair, target);
    if (!move) break;
    if (moves === MOST_MOVES) return `P4: ${show(from)} under ${target} is not at rest after ${MOST_MOVES} moves`;
    pair = apply(move, pair);
    if (isSplit(pair)) return `P1: ${show(from)} under ${target} became ${show(pair)}`;
    if (truth(pair) !== truth(from)) return `P2: ${show(from)} under ${target} became ${show(pair)}`;
  }
  // An announced insert waits for its client, who is still about.
  if (pair.S?.role === 'B') return undefined;
  const shape = roleOf(pair.S) + roleOf(pair.T);
  return REST[target].includes(shape) ? undefined : `P4: ${show(from)} under ${target} came to rest as ${show(pair)}`;
}

/** Every client that is under way has been there when this was the truth. Workers are alike: their order says nothing. */
function observe(world: World): World {
  const bit = 1 << truth(world);
  const clients = world.clients.map((client) => (sees(client, bit) ? { ...client, seen: client.seen | bit } : client));
  if (world.workers.length === 1) return { ...world, clients };
  const keys = new Map(world.workers.map((worker) => [worker, workerKey(worker, world)]));
  const workers = world.workers.toSorted((a, b) => (keys.get(a)! < keys.get(b)! ? -1 : 1));
  return { ...world, clients, workers };
}

const sees = ({ at, seen }: Client, bit: number) => at !== 'new' && at !== 'done' && (seen & bit) === 0;

// ------------------------------------------------------------ one short text for each world, equal for alike worlds
// Of a side that somebody holds it matters what it says and whether it still stands: no version ever comes back.

const ROLES = 'OXHCB';
const MOST_VALUES = 4;
const entityCode = ({ role, value, of }: Entity) => (ROLES.indexOf(role) * MOST_VALUES + value) * MOST_VALUES + of;
const entityKey = (entity: Entity | null) => (entity ? String.fromCharCode(0x100 + entityCode(entity)) : '-');

function heldKey(held: Entity | null, side: Side, world: World): string {
  if (!held) return '-';
  return String.fromCharCode((held === world[side] ? 0x200 : 0x300) + entityCode(held));
}

function workerKey(worker: Worker, world: World): string {
  if (worker.at === 'idle') return 'i';
  const held = worker.at === 'starting' ? '' : heldKey(worker.S, 'S', world) + heldKey(worker.T, 'T', world);
  return `${worker.at[0]}${worker.target[1]}${worker.late ? '!' : ''}${held}`;
}

const CLIENT_AT = ['new', 'reading', 'readingT', 'confirmingS', 'confirmingT', 'acting', 'born', 'settling', 'done'];

function clientKey(client: Client, world: World): string {
  if (client.at === 'done') return 'd';
  const at = CLIENT_AT.indexOf(client.at);
  return `${at}${client.late ? '!' : ''}${String.fromCharCode(0x400 + client.seen)}${heldKey(client.S, 'S', world)}${heldKey(client.T, 'T', world)}`;
}

function keyOf(world: World): string {
  let key = `${entityKey(world.S)}${entityKey(world.T)}${world.commands.length}${world.crashes}${world.phase ?? ''}`;
  for (const worker of world.workers) key += workerKey(worker, world);
  for (const client of world.clients) key += clientKey(client, world);
  return key;
}
