import { describe, expect, test } from 'vitest';
import { world } from './world.ts';

/** CloudEvents 1.0.2, HTTP 1.1 Web Hooks for Event Delivery, section 4: whoever is to post asks whether it may. */
describe('OPTIONS', () => {
  const ask = (url: string, side: string, headers: Record<string, string> = {}) =>
    fetch(`${url}/cb/${side}`, { method: 'OPTIONS', headers });
  const ORIGIN = { 'webhook-request-origin': 'eventemitter.example.com', 'webhook-request-rate': '120' };

  test('a sender of CloudEvents is told that it may post, and as often as it likes', async () => {
    const w = await world({ callback: { protocol: 'cloudevents' } });
    const response = await ask(w.url, 'new', ORIGIN);
    expect(response.status).toBe(200);
    expect(response.headers.get('webhook-allowed-origin')).toBe('eventemitter.example.com');
    expect(response.headers.get('webhook-allowed-rate')).toBe('*');
    expect(response.headers.get('allow')).toContain('POST');
  });

  test('not where nobody is to post, nor to one that does not say who it is', async () => {
    const w = await world({ callback: { protocol: 'cloudevents' } });
    w.callbacks.set('new', { wanted: false });
    for (const response of [await ask(w.url, 'new', ORIGIN), await ask(w.url, 'old')]) {
      expect(response.headers.get('webhook-allowed-origin')).toBeNull();
      expect(response.headers.get('allow')).toContain('POST');
    }
  });

  test('a URL that is gone, or unknown, or of another protocol says so', async () => {
    const w = await world({ callback: { protocol: 'cloudevents' } });
    w.callbacks.set('old', { gone: true });
    w.callbacks.set('new', { protocol: 'github' });
    expect((await ask(w.url, 'old', ORIGIN)).status).toBe(410);
    expect((await ask(w.url, 'other', ORIGIN)).status).toBe(404);
    const other = await ask(w.url, 'new', ORIGIN);
    expect([other.status, other.headers.get('webhook-allowed-origin')]).toEqual([405, null]);
  });
});
