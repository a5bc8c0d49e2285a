import type { HubRequest } from '../../src/define/hub.ts';
import type { RestDefinition } from '../../src/webhooks/rest.ts';
import { type Answer, type Served, serve } from './server.ts';

export const CALLBACK = 'https://app.test/in/5f0c9a';
export const request = (more: Partial<HubRequest> = {}): HubRequest => ({
  hub: 'https://unused.test/',
  topic: 'a.b',
  callback: CALLBACK,
  intent: 'i1',
  ...more,
});

/** A provider that keeps what it is told, and after each change may lose its answer or say something else. */
export async function provider(fault: Answer = (response) => response.end()) {
  const kept = new Map<string, { id: string; target: string }>();
  let ids = 0;
  let faults = 0;
  const server = await serve((response, seen) => {
    const { method, path, body } = seen;
    const id = path.split('/')[2] ?? '';
    const json = (value: unknown, code = 200) => response.writeHead(code).end(JSON.stringify(value));
    if (method === 'GET') return json({ items: [...kept.values()] });
    if (method === 'DELETE' && !kept.delete(id)) return response.writeHead(404).end();
    if (method !== 'DELETE') {
      const name = id === '' ? String(++ids) : id;
      kept.set(name, { id: name, target: JSON.parse(body).target });
    }
    if (faults > 0) {
      faults -= 1;
      return fault(response, seen);
    }
    json({ data: kept.get(String(ids)) ?? {} }, method === 'POST' ? 201 : 200);
  });
  const breaks = (times: number) => {
    faults = times;
  };
  return { server, kept, breaks };
}

export const definitionOf = ({ url }: Served, more: Partial<RestDefinition> = {}): RestDefinition => ({
  name: 'provider',
  allow: ['127.0.0.1'],
  plainHttp: true,
  create: { method: 'POST', url: `${url}/hooks`, json: { target: '{callback}', secret: '{secret}' } },
  delete: { method: 'DELETE', url: `${url}/hooks/{reference}` },
  list: {
    request: { method: 'GET', url: `${url}/hooks?topic={topic}` },
    read: { items: 'items', reference: 'id', callback: 'target' },
  },
  reference: 'data.id',
  ...more,
});

export const lost: Answer = (response) => response.destroy();
