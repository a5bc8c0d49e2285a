import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { systemClock } from '../../src/clock.ts';
import type { Hint } from '../../src/dispatch/dispatch.ts';
import { Worker } from '../../src/engine/worker.ts';
import { LIMITS } from '../../src/limits.ts';
import type { Pushed } from '../../src/server/push.ts';
import { gate, seed, verified, world } from '../engine/harness.ts';
import { served, TOKEN_CONFIG, TOKENS, until } from './harness.ts';

const ACCOUNT = 'pusher@project.iam.gserviceaccount.com';
const AUDIENCE = 'https://workers.example/dispatch';
const ISSUER = 'https://accounts.google.com';

let keys: Server;
let jwks: string;
let sign: (claims?: JWTPayload) => Promise<string>;
beforeAll(async () => {
  const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: 'k', alg: 'RS256' };
  keys = createServer((_, response) => response.end(JSON.stringify({ keys: [jwk] })));
  await new Promise<void>((listening) => keys.listen(0, '127.0.0.1', listening));
  jwks = `http://127.0.0.1:${(keys.address() as AddressInfo).port}/`;
  sign = (claims = {}) =>
    new SignJWT({ iss: ISSUER, aud: AUDIENCE, email: ACCOUNT, email_verified: true, ...claims })
      .setProtectedHeader({ alg: 'RS256', kid: 'k' })
      .setExpirationTime('5m')
      .sign(privateKey);
});
afterAll(() => keys.close());

const envelope = (hint: object) => ({
  message: { data: Buffer.from(JSON.stringify(hint)).toString('base64'), messageId: '1', attributes: {} },
  subscription: 'projects/p/subscriptions/s',
});
const HINT: Hint = { campaign: 'feeds.1', sweep: '000001.000001', range: '000000' };

async function pushedTo(pushed: Partial<Pushed>, push: { readonly deadlineSeconds?: number } = {}) {
  const idle: Pushed = { dispatch: { publish: async () => {} }, take: async () => 'done', tend: async () => {} };
  const config = { ...TOKEN_CONFIG, push: { account: ACCOUNT, audience: AUDIENCE, jwks, ...push } };
  const server = await served({ config, pushed: { ...idle, ...pushed } });
  const post = async (hint: object, token?: string, path = '/dispatch') =>
    (await server.ask(path, { body: envelope(hint), token: token ?? (await sign()) })).status;
  return { server, post };
}

describe('what Pub/Sub pushes', () => {
  it('is worked on, range after range, until the campaign rests', async () => {
    const w = world({ clock: systemClock });
    await seed(w.store, 40);
    const hints: Hint[] = [];
    const dispatch = {
      name: 'pushed',
      publish: async (more: readonly Hint[]) => void hints.push(...more),
      receive: async () => {},
      setAside: async () => {},
      close: async () => {},
    };
    const worker = new Worker({ store: w.store, migrations: [w.migration], clock: systemClock, dispatch });
    const { post } = await pushedTo({
      dispatch,
      take: (hint, signal) => worker.take(hint, signal),
      tend: (signal) => worker.tend(signal),
    });
    await commands.start(w.context, 'feeds');
    // Nobody is there until somebody is called.
    expect(await post({}, undefined, '/dispatch/tend')).toBe(204);
    for (let hint = hints.shift(); hint; hint = hints.shift()) expect(await post(hint)).toBe(204);
    expect((await commands.theCampaign(w.context, 'feeds')).settledAt).toBeDefined();
    expect(await verified(w)).toMatchObject({ clean: true, started: 40 });
  });

  it('comes again when it was given back, and when all lanes are taken', async () => {
    const { opened, open } = gate();
    let taken = 0;
    const { post } = await pushedTo({
      take: async () => {
        taken++;
        await opened;
        return 'again';
      },
    });
    const first = Array.from({ length: LIMITS.lanes }, () => post(HINT));
    await until(() => taken === LIMITS.lanes);
    expect(await post(HINT)).toBe(429);
    open();
    expect(await Promise.all(first)).toEqual(first.map(() => 429));
  });

  it('is told to end in time, and handed out anew', async () => {
    const published: Hint[] = [];
    const { post } = await pushedTo(
      {
        dispatch: { publish: async (hints) => void published.push(...hints) },
        take: async (_, signal) => {
          if (!signal.aborted) await new Promise((ended) => signal.addEventListener('abort', ended, { once: true }));
          return 'again';
        },
      },
      { deadlineSeconds: 1 },
    );
    expect(await post(HINT)).toBe(204);
    expect(published).toEqual([HINT]);
  });

  it('that says nothing which is understood here is let go of', async () => {
    let taken = 0;
    const { post } = await pushedTo({
      take: async () => {
        taken++;
        return 'done';
      },
    });
    expect(await post({ something: 'else' })).toBe(204);
    expect(taken).toBe(0);
  });

  it.each<[string, () => Promise<string>, number]>([
    ['no token', async () => '', 401],
    ['a token of this server', async () => TOKENS.admin, 401],
    ['another account', () => sign({ email: 'somebody@example.com' }), 403],
    ['an address that was not verified', () => sign({ email_verified: false }), 401],
    ['another audience', () => sign({ aud: 'https://elsewhere.example' }), 401],
    ['another issuer', () => sign({ iss: 'https://elsewhere.example' }), 401],
  ])('is refused with %s', async (_, token, status) => {
    let asked = 0;
    const count = async () => {
      asked++;
      return 'done' as const;
    };
    const { post } = await pushedTo({ take: count, tend: async () => void (await count()) });
    for (const path of ['/dispatch', '/dispatch/tend']) expect(await post(HINT, await token(), path)).toBe(status);
    expect(asked).toBe(0);
  });

  it('goes nowhere where nothing is said of it', async () => {
    const server = await served();
    expect((await server.ask('/dispatch', { body: envelope(HINT), token: await sign() })).status).toBe(404);
  });
});
