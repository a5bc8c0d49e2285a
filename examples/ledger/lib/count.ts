import { type Entity, type KeyRange, type Properties, type Store, Timestamp } from 'handover';
import { type Balances, booked, type Movement } from '../migrations/ledger.ts';
import { addressOf, type Ledger, textOf } from './ledger.ts';

export interface Count {
  /** Movements in the new home, and what stands in the old one still. */
  readonly movements: number;
  readonly leftBehind: number;
  /** What is not as it was acknowledged, in words. */
  readonly wrong: readonly string[];
}

/** Counts everything by reading the store itself: no router, no engine, and no total that anybody kept. */
export async function countAll(store: Store, ledger: Ledger): Promise<Count> {
  const old = await all(store, { namespace: '', kind: 'Movement', rootKind: 'Movement' });
  const now = await all(store, { namespace: '', kind: 'Movement', rootKind: 'Book' });
  const expected = new Map(ledger.acknowledged);
  const wrong: string[] = [];
  const balances = new Map<string, Balances>();
  for (const { key, content } of now) {
    const id = Number(key.id);
    const movement = movementOf(content.properties);
    const was = expected.get(id);
    expected.delete(id);
    if (!key.equals(addressOf(id).into)) wrong.push(`${key} is not where it belongs`);
    if (textOf(was) !== textOf(movement)) wrong.push(`${key} is ${textOf(movement)}, and was ${textOf(was)}`);
    const name = `${movement.book} ${movement.currency}`;
    balances.set(name, booked(balances.get(name) ?? {}, movement, movement.cents));
  }
  for (const id of expected.keys()) wrong.push(`movement ${id} was acknowledged, and is missing`);
  for (const [name, sums] of balances) {
    if (textOf(sums) !== textOf(ledger.balances.get(name))) wrong.push(`${name} has ${textOf(sums)}`);
    if (Object.values(sums).reduce((a, b) => a + b, 0) !== 0) wrong.push(`${name} does not balance`);
  }
  return { movements: now.length, leftBehind: old.length, wrong };
}

async function all(store: Store, range: KeyRange): Promise<Entity[]> {
  const found: Entity[] = [];
  for (let from = range; ; ) {
    const { entities, more } = await store.scan(from, 500);
    found.push(...entities);
    if (!more) return found;
    from = { ...range, after: entities.at(-1)!.key };
  }
}

function movementOf(properties: Properties): Movement {
  const text = (name: string) => {
    const value = properties.get(name);
    return value?.type === 'string' ? value.value : `no text but ${value?.type}`;
  };
  const cents = properties.get('cents');
  const bookedAt = properties.get('bookedAt');
  return {
    book: text('book'),
    from: text('from'),
    to: text('to'),
    currency: text('currency'),
    text: text('text'),
    cents: cents?.type === 'integer' ? Number(cents.value) : Number.NaN,
    bookedAt: bookedAt?.type === 'timestamp' ? Timestamp.of(bookedAt.seconds, bookedAt.nanos) : Timestamp.of(0),
  };
}
