import { setTimeout as sleep } from 'node:timers/promises';
import { Content, FieldRouter, fromPlain, type Key, key, type PlainRecord, type Store, toPlain } from 'handover';
import migration, { type NewSecret, secrets } from '../migrations/seal-secrets.ts';
import { decipher, encipher, seal, unseal } from './ciphers.ts';

/** What the service needs of its tenants' records. Each of its versions has its own way to it. */
export interface Tenants {
  secretOf(id: number): Promise<string | undefined>;
  /** False where there is no such tenant. */
  setSecret(id: number, secret: string): Promise<boolean>;
}

export const tenantKey = (id: number): Key => key('Tenant', id);

/** Version 1, as it was for years. It knows nothing of what is to come. */
export const oldTenants = (store: Store): Tenants => ({
  secretOf: async (id) => {
    const tenant = await load(store, id);
    return tenant && decipher(tenant['secret'] as string);
  },
  setSecret: (id, secret) => save(store, id, (tenant) => ({ ...tenant, secret: encipher(secret) })),
});

/** Version 2 goes through the router: it reads whichever property is the record, and writes both while both stand. */
export function bothTenants(store: Store): Tenants {
  const router = new FieldRouter<NewSecret>({ store, rule: secrets, migrate: { on: 'insert', migration } });
  return {
    secretOf: async (id) => {
      const tenant = await router.get(tenantKey(id));
      return tenant && unseal(tenant.sealed, tenantKey(id).toString());
    },
    setSecret: async (id, secret) => {
      const sealed = seal(secret, tenantKey(id).toString());
      return (await router.update(tenantKey(id), (tenant) => ({ ...tenant, sealed }))) !== undefined;
    },
  };
}

/** Version 3 knows the new property only, and no router. */
export const newTenants = (store: Store): Tenants => ({
  secretOf: async (id) => {
    const tenant = await load(store, id);
    return tenant && unseal(tenant['sealed'] as Uint8Array, tenantKey(id).toString());
  },
  setSecret: (id, secret) =>
    save(store, id, (tenant) => ({ ...tenant, sealed: seal(secret, tenantKey(id).toString()) })),
});

async function load(store: Store, id: number): Promise<PlainRecord | undefined> {
  const [found] = await store.read([tenantKey(id)]);
  return found && toPlain(found.content.properties);
}

/** Loads, changes, saves, and minds that nobody was faster. What it does not know of the record it leaves as it is. */
async function save(store: Store, id: number, change: (tenant: PlainRecord) => object): Promise<boolean> {
  for (;;) {
    const [found] = await store.read([tenantKey(id)]);
    if (!found) return false;
    const { key: at, version, slot, content } = found;
    const changed = Content.of(fromPlain(change(toPlain(content.properties)), content.properties));
    const [outcome] = await store.commit([{ op: 'update', key: at, version, content: changed, slot }]);
    if (outcome!.status === 'applied') return true;
    // Others are at it: after a while there is room.
    if (outcome!.status === 'busy') await sleep(50);
    if (outcome!.status === 'refused' || outcome!.status === 'unknown') throw new Error(`Not saved: ${outcome!.cause}`);
  }
}
