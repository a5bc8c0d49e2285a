import { createCipheriv, createDecipheriv, createHmac, hash } from 'node:crypto';

/** A real service would have these from its key management, never from its source. */
const OLD_KEY = hash('sha256', 'the old key', 'buffer').subarray(0, 16);
const NEW_KEY = hash('sha256', 'the new key', 'buffer');
const NONCE_KEY = hash('sha256', 'the key that nonces are made with', 'buffer');

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** How secrets were kept for years: AES-128-CBC with one IV for all, and nothing that tells a changed one. */
export function encipher(secret: string): string {
  const cipher = createCipheriv('aes-128-cbc', OLD_KEY, Buffer.alloc(16));
  return Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]).toString('base64');
}

export function decipher(text: string): string {
  const cipher = createDecipheriv('aes-128-cbc', OLD_KEY, Buffer.alloc(16));
  return Buffer.concat([cipher.update(text, 'base64'), cipher.final()]).toString('utf8');
}

/**
 * How they are kept from now on: AES-256-GCM, bound to their tenant. A transform must give one result for one record, so
 * the nonce is no chance: it is derived, by a key of its own, from the tenant and the secret. Two different messages get
 * two nonces, and the same one sealed again gives the very same bytes, which tell nobody more than that it is the same.
 */
export function seal(secret: string, tenant: string): Buffer {
  const nonce = createHmac('sha256', NONCE_KEY).update(`${tenant.length} ${tenant} ${secret}`).digest();
  const cipher = createCipheriv('aes-256-gcm', NEW_KEY, nonce.subarray(0, NONCE_BYTES));
  cipher.setAAD(Buffer.from(tenant));
  const sealed = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
  return Buffer.concat([nonce.subarray(0, NONCE_BYTES), cipher.getAuthTag(), sealed]);
}

/** Throws where it was changed, or is another tenant's. */
export function unseal(sealed: Uint8Array, tenant: string): string {
  const bytes = Buffer.from(sealed);
  const cipher = createDecipheriv('aes-256-gcm', NEW_KEY, bytes.subarray(0, NONCE_BYTES));
  cipher.setAAD(Buffer.from(tenant));
  cipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  return Buffer.concat([cipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), cipher.final()]).toString('utf8');
}
