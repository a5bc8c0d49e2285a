import Fastify from 'fastify';
import { openStore } from './lib/store.ts';
import { bothTenants, newTenants, oldTenants, type Tenants } from './lib/tenants.ts';

/**
 * One instance of the service: it checks the secrets that tenants present, and lets them choose another one. `service.ts
 * VERSION FOLDER` prints where it listens, and ends with its standard input.
 */
const VERSIONS = { v1: oldTenants, v2: bothTenants, v3: newTenants };

const [version, folder] = process.argv.slice(2);
const store = await openStore(folder!);
const tenants: Tenants = VERSIONS[version as keyof typeof VERSIONS](store);

const app = Fastify();
interface Asked {
  readonly Params: { readonly id: number };
  readonly Body: { readonly secret: string };
}
const schema = {
  params: { type: 'object', properties: { id: { type: 'integer' } }, required: ['id'] },
  body: { type: 'object', properties: { secret: { type: 'string', minLength: 1 } }, required: ['secret'] },
};
app.post<Asked>('/tenants/:id/authenticate', { schema }, async ({ params, body }, reply) => {
  const known = (await tenants.secretOf(params.id)) === body.secret;
  return reply.code(known ? 204 : 401).send();
});
app.put<Asked>('/tenants/:id/secret', { schema }, async ({ params, body }, reply) => {
  return reply.code((await tenants.setSecret(params.id, body.secret)) ? 204 : 404).send();
});

console.log(await app.listen({ host: '127.0.0.1', port: 0 }));
process.stdin.resume().on('end', async () => {
  await app.close();
  await store.close();
});
