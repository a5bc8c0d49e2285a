import { count, defineMigration, entity, fold, type Invariant, key, sum, type Timestamp } from 'handover';

/** A movement of money from one account to another, as it was kept: at the root, with its amount as text. */
export interface OldMovement {
  book: string;
  from: string;
  to: string;
  /** As "12.34". */
  amount: string;
  currency: string;
  bookedAt: Timestamp;
  text: string;
}

/** As it is to be: below the book that it is of, in whole cents. */
export interface Movement extends Omit<OldMovement, 'amount'> {
  cents: number;
}

/** What each account has. */
export type Balances = Record<string, number>;

export const centsOf = (amount: string): number => Number(amount.replace('.', ''));
export const amountOf = (cents: number): string => (cents / 100).toFixed(2);

export const movements = entity<OldMovement, Movement>({
  from: 'Movement',
  into: 'Book/Movement',
  to: ({ book }, old) => key('Book', book, 'Movement', old.id),
  forward: ({ amount, ...movement }) => ({ ...movement, cents: centsOf(amount) }),
  backward: ({ cents, ...movement }) => ({ ...movement, amount: amountOf(cents) }),
});

/** The balances with one more movement: what one account gives, another gets. */
export const booked = (balances: Balances, { from, to }: OldMovement | Movement, cents: number): Balances => ({
  ...balances,
  [from]: (balances[from] ?? 0) - cents,
  [to]: (balances[to] ?? 0) + cents,
});

function together(a: Balances, b: Balances): Balances {
  const all = { ...a };
  for (const [account, cents] of Object.entries(b)) all[account] = (all[account] ?? 0) + cents;
  return all;
}

const balances = {
  by: ({ book, currency }: OldMovement | Movement) => `${book} ${currency}`,
  start: {} as Balances,
  add: {
    old: (before: Balances, movement: OldMovement) => booked(before, movement, centsOf(movement.amount)),
    new: (before: Balances, movement: Movement) => booked(before, movement, movement.cents),
  },
  merge: together,
};

export const invariants: readonly Invariant[] = [
  count<OldMovement, Movement>({
    name: 'movements per book and currency',
    by: ({ book, currency }) => `${book} ${currency}`,
  }),
  sum<OldMovement, Movement>({
    name: 'cents per currency',
    value: { old: ({ amount }) => centsOf(amount), new: ({ cents }) => cents },
    by: ({ currency }) => currency,
  }),
  fold<Balances, OldMovement, Movement>({ name: 'balance of each account', ...balances }),
  fold<Balances, OldMovement, Movement>({
    name: 'double entry',
    ...balances,
    must: { equals: {} },
    equal: (_, found) => Object.values(found).reduce((total, cents) => total + cents, 0) === 0,
  }),
];

export default defineMigration({ name: 'ledger', version: 2, records: [movements], invariants });
