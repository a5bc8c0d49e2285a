import { HandoverError } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';
import type { Key } from '../../record/key.ts';
import type { Store } from '../store.ts';
import { inParallel, type Room } from './batches.ts';
import type { Connection } from './client.ts';
import { entityToWire } from './entities.ts';
import { errorOf, failureOf, sentenceOf } from './failures.ts';
import { keyToWire } from './keys.ts';
import { type Writing, wireBytes } from './toWire.ts';
import type { WireMutation } from './wire.ts';

/** Writes without conditions; of two puts of one key the last one stays. */
export async function overwrite(
  to: Connection & Writing,
  puts: Parameters<Store['overwrite']>[0],
  removes: readonly Key[],
  room: Room,
): Promise<void> {
  const upserts = new Map<string, WireMutation>();
  for (const { key, content, slot } of puts) upserts.set(`${key}`, { upsert: entityToWire(to, key, content, slot) });
  const deletes = new Map<string, WireMutation>();
  for (const key of removes) deletes.set(`${key}`, { delete: keyToWire(to, key) });
  for (const mutations of [upserts, deletes]) {
    await inParallel(cut([...mutations.values()], room), LIMITS.datastoreCommits, (part) => send(to, part));
  }
}

function cut(all: readonly WireMutation[], room: Room): WireMutation[][] {
  const parts: WireMutation[][] = [];
  let bytes = 0;
  for (const mutation of all) {
    const size = 1000 + (mutation.upsert ? wireBytes(mutation.upsert.properties) : 0);
    const last = parts.at(-1);
    const fits = last && last.length < room.mutations && bytes + size <= room.bytes;
    if (fits) last.push(mutation);
    else parts.push([mutation]);
    bytes = fits ? bytes + size : size;
  }
  return parts;
}

async function send(to: Connection, mutations: readonly WireMutation[]): Promise<void> {
  try {
    await to.commit({ mode: 'NON_TRANSACTIONAL', mutations });
  } catch (thrown) {
    const failure = failureOf(thrown);
    if (failure === 'unknown') throw new HandoverError('store.unknown', sentenceOf(thrown));
    if (failure === 'refused') throw new HandoverError('entity.refused', sentenceOf(thrown));
    throw errorOf(thrown, to.where);
  }
}
