import { type EntityRule, matches } from '../define/entity.ts';
import { hold } from '../engine/pair.ts';
import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { Key } from '../record/key.ts';
import type { Value } from '../record/value.ts';
import type { Entity, KeyRange, Store } from '../store/store.ts';
import { pairedKey } from './address.ts';
import type { Tools } from './look.ts';

/** How those of a container's parts are found that stand outside: a range of keys, or what says so in it. */
export interface Outside {
  readonly range: KeyRange;
  /** An indexed property of the records at their other home, and its value. */
  readonly where?: { readonly property: string; readonly value: Value };
}

export interface Part<R extends object> {
  readonly address: { readonly from: Key; readonly into: Key };
  readonly record: R;
}

type Keys = Part<object>['address'];

/**
 * The addresses of all parts of a container, wherever they are. Whoever moves a part makes it at one home before he takes it
 * from the other, so one that is not inside stands outside. And none is inside for a moment only between the looks: the
 * container is as it was, by its version, when what is outside has been looked through.
 */
export async function addressesWithin(container: Key, outside: Outside, tools: Tools): Promise<readonly Keys[]> {
  const { store, rule, clock } = tools;
  const home = insideOf(rule);
  const range: KeyRange = {
    namespace: container.namespace,
    kind: home.pattern.at(-1)!,
    rootKind: home.pattern[0]!,
    root: container.root,
  };
  for (let attempt = 0; attempt < LIMITS.routerAttempts; attempt++) {
    const [before] = await store.read([container]);
    const found = new Map<string, Keys>();
    const note = (keys: Keys | undefined) => {
      const inside = keys?.[home.side];
      if (inside?.parent?.equals(container)) found.set(inside.toString(), keys!);
    };
    for await (const part of eachOf(store, { range }))
      if (part.key.parent!.equals(container)) note(keysOf(part, tools));
    for await (const entity of eachOf(store, outside)) note(keysOf(entity, tools));
    const [after] = await store.read([container]);
    if (before?.version === after?.version)
      return [...found.values()].sort((a, b) => a[home.side].bytes.compare(b[home.side].bytes));
    await clock.sleep(Math.min(LIMITS.routerPauseMs * attempt, LIMITS.routerPauseMostMs));
  }
  throw new HandoverError('record.contended', `${container} kept changing.`, { key: container.toString() });
}

function insideOf({ from, into, parts = [] }: EntityRule) {
  const path = parts[0] && [...parts[0].of, parts[0].property].join('/');
  if (path === from.join('/')) return { side: 'from', pattern: from } as const;
  if (path === into.join('/')) return { side: 'into', pattern: into } as const;
  throw new HandoverError('definition.invalid', `Records of ${from.join('/')} are not kept inside others.`);
}

/** Both keys of a record, by what stands at one of them; undefined where that is no record of this rule. */
function keysOf(entity: Entity, { rule, keys }: Tools): Keys | undefined {
  const held = hold(entity)!;
  const { key } = entity;
  if (held.slot?.side !== 'T' && matches(rule.from, key))
    return { from: key, into: pairedKey(rule, held) ?? rule.targetOf(key, held.content) };
  if (!matches(rule.into, key)) return undefined;
  const peer = held.slot?.side === 'T' ? Key.parse(held.slot.peer) : keys.from?.(key);
  return peer && matches(rule.from, peer) ? { from: peer, into: key } : undefined;
}

async function* eachOf(store: Store, { range, where }: Outside): AsyncGenerator<Entity> {
  for (let from = range, more = true; more; ) {
    const page = where
      ? await store.find(from, where.property, where.value, LIMITS.pageSize)
      : await store.scan(from, LIMITS.pageSize);
    yield* page.entities;
    more = page.more;
    const last = page.entities.at(-1);
    if (last) from = { ...from, after: last.key };
  }
}
