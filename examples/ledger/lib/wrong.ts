import { defineMigration, entity, key } from 'handover';
import { amountOf, invariants, type Movement, type OldMovement } from '../migrations/ledger.ts';

/** The first version of the definition, with a mistake: it cuts the cents off. `amount` comes back well formed. */
export const wrong = defineMigration({
  name: 'ledger',
  version: 1,
  records: [
    entity<OldMovement, Movement>({
      from: 'Movement',
      into: 'Book/Movement',
      to: ({ book }, old) => key('Book', book, 'Movement', old.id),
      forward: ({ amount, ...movement }) => ({ ...movement, cents: Number.parseInt(amount, 10) * 100 }),
      backward: ({ cents, ...movement }) => ({ ...movement, amount: amountOf(cents) }),
    }),
  ],
  invariants,
});
