import { HandoverError } from '../errors.ts';
import type { Content } from '../record/content.ts';
import type { Key } from '../record/key.ts';
import type { Entity, Mutation, Outcome, Store, UnitOutcome, Version } from './store.ts';

export const PROBE_KIND = '_HandoverProbe';

export interface ProbeBench {
  readonly store: Store;
  readonly root: Key;
  /** A throw-away key in the group of `root`. */
  readonly entity: (name: string) => Key;
  /** One in a group of its own. */
  readonly elsewhere: (name: string) => Key;
  readonly content: (n: number) => Content;
}

export async function one({ store }: ProbeBench, mutation: Mutation): Promise<Outcome> {
  return known((await store.commit([mutation]))[0]);
}

export async function insert(bench: ProbeBench, at: Key, n: number): Promise<Version> {
  return applied(await one(bench, { op: 'insert', key: at, content: bench.content(n) }));
}

export async function update(bench: ProbeBench, at: Key, version: Version, n: number): Promise<Version> {
  return applied(await one(bench, { op: 'update', key: at, version, content: bench.content(n) }));
}

export async function read({ store }: ProbeBench, at: Key): Promise<Entity | undefined> {
  return (await store.read([at]))[0];
}

/** Nothing is proved by an answer that was lost. */
export function known<T extends Outcome | UnitOutcome>(outcome: T | undefined): T {
  if (outcome === undefined) throw new HandoverError('store.unsafe', 'A mutation got no outcome.');
  if (outcome.status === 'unknown' || outcome.status === 'busy')
    throw new HandoverError('store.unknown', `The probe got no answer: ${outcome.cause}.`);
  return outcome;
}

/** One that loses although nobody was faster endangers nothing, for the engine would look again; and proves nothing. */
export function applied(outcome: Outcome): Version {
  if (outcome.status === 'applied') return outcome.version;
  throw new HandoverError('store.unknown', 'The probe lost a write though nobody was faster.');
}

export const conflicts = (outcome: Outcome | UnitOutcome): boolean => outcome.status === 'conflict';

export function numberOf(entity: Entity | undefined): number | undefined {
  const n = entity?.content.properties.get('n');
  return n?.type === 'integer' ? Number(n.value) : undefined;
}

export async function stands(bench: ProbeBench, at: Key, n: number, version: Version): Promise<boolean> {
  const entity = await read(bench, at);
  return entity !== undefined && entity.version === version && numberOf(entity) === n;
}
