import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/limits.ts';
import { OTHER, type Reply, type Served, served, TOKENS } from './harness.ts';

const PATH = '/v1/campaigns';

describe('a flood', () => {
  const flood = async (ask: () => Promise<unknown>) => {
    for (let i = 0; i < LIMITS.requestsPerMinute; i += 50) await Promise.all(Array.from({ length: 50 }, ask));
  };
  const isRefused = (reply: Reply) => {
    expect(reply).toMatchObject({ status: 429, body: { code: 'request.tooMany' } });
    expect(Number(reply.headers.get('retry-after'))).toBeGreaterThan(0);
  };
  const order = (server: Served, verb: string, token = TOKENS.operator) =>
    server.ask(`/v1/campaigns/feeds/${verb}`, { body: { reason: 'flood' }, token, headers: { 'if-match': '*' } });

  it('of guesses is answered 429 with a time to wait, and keeps out nobody who shows a good token', async () => {
    const server = await served();
    const guess = () => server.ask(PATH, { token: 'handover_guess' });
    await flood(guess);
    isRefused(await guess());
    isRefused(await server.ask(PATH, { token: '' }));
    expect((await server.ask(PATH)).status).toBe(200);
    expect((await server.ask('/livez')).status).toBe(200);
  });

  it('of looks is refused to who sends it, and leaves him his commands, and others all', async () => {
    const server = await served();
    await server.ask('/v1/migrations/feeds/start', { body: { reason: 'first' } });
    await flood(() => server.ask(PATH));
    isRefused(await server.ask(PATH));
    expect((await order(server, 'pause')).status).toBe(200);
    expect((await order(server, 'resume')).status).toBe(200);
    expect((await server.ask(PATH, { token: TOKENS.viewer })).status).toBe(200);
  });

  it('of commands leaves the brake', async () => {
    const server = await served();
    await server.ask('/v1/migrations/feeds/start', { body: { reason: 'first' } });
    await flood(() => order(server, 'retry'));
    isRefused(await order(server, 'retry'));
    expect((await order(server, 'pause')).status).toBe(200);
    expect((await server.ask(PATH)).status).toBe(200);
    expect((await order(server, 'resume', OTHER)).status).toBe(200);
  });
});
