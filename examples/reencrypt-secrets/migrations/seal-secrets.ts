import { defineMigration, field, unindexed } from 'handover';
import { decipher, encipher, seal, unseal } from '../lib/ciphers.ts';

export interface OldSecret {
  secret: string;
}

export interface NewSecret {
  sealed: Uint8Array;
}

/** Every tenant's client secret, from the old cipher to the new one, in the tenant's own record. */
export const secrets = field<OldSecret, NewSecret>({
  of: 'Tenant',
  old: ['secret'],
  new: ['sealed'],
  forward: ({ secret }, tenant) => ({ sealed: unindexed(seal(decipher(secret), tenant.toString())) as never }),
  backward: ({ sealed }, tenant) => ({ secret: encipher(unseal(sealed, tenant.toString())) }),
});

export default defineMigration({ name: 'seal-secrets', version: 1, fields: [secrets] });
