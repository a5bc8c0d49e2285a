import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, it } from 'vitest';
import { OPERATIONS } from '../../src/server/operations/index.ts';
import { checkAnswer, openApiDocument } from './described.ts';
import type { Body } from './harness.ts';

describe('the OpenAPI document', () => {
  it('is valid OpenAPI 3.1, and refers to nothing that it does not have', async () => {
    const document = await openApiDocument();
    const validator = new Validator();
    expect(await validator.validate(structuredClone(document))).toEqual({ valid: true });
    expect(validator.version).toBe('3.1');
    const named = Object.keys(document['components'].schemas);
    const referred = JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g);
    const wanted = [...new Set([...referred].map(([, to]) => to!))];
    expect(wanted.sort()).toEqual(named.map((name) => `#/components/schemas/${name}`).sort());
  });

  it('says of every operation what it answers, field by field', async () => {
    const document = await openApiDocument();
    for (const { id, method, path, kind } of OPERATIONS) {
      const { responses } = document['paths'][path.replace(/:(\w+)/g, '{$1}')][method.toLowerCase()];
      const { $ref } = responses[kind === 'job' ? 202 : 200].content['application/json'].schema;
      const schema: Body = document['components'].schemas[$ref.split('/').at(-1)];
      const isSaid = Object.keys(schema['properties'] ?? {}).length > 0 || schema['oneOf'] !== undefined;
      expect(isSaid, id).toBe(true);
    }
  });
});

describe('an answer is checked by every test that asks for it, and fails', () => {
  const url = 'http://localhost/v1/me';
  const told = (body: unknown, status = 200, type = 'application/json') =>
    checkAnswer({ method: 'GET', url }, { status, type, body });

  it.each([
    ['with a field that is not described', { name: 'vera', role: 'viewer', token: 'x' }, /must NOT have additional/],
    ['without one that is', { name: 'vera' }, /must have required property 'role'/],
    ['with another value', { name: 'vera', role: 'queen' }, /must be equal to one of/],
  ])('%s', async (_, body, why) => {
    await told({ name: 'vera', role: 'viewer' });
    await expect(told(body)).rejects.toThrow(why);
  });

  it('with a status or a type that is not described', async () => {
    await expect(told({}, 201)).rejects.toThrow('the document has no');
    await expect(told({}, 200, 'text/plain')).rejects.toThrow('the document has no');
  });

  it('also deep within, and in problems of any path', async () => {
    const row = { key: 'Feed:1', state: 'copied', secret: 1 };
    const records = { url: 'http://localhost/v1/campaigns/feeds/records?limit=1', method: 'GET' };
    const page = { status: 200, type: 'application/json', body: { records: [row] } };
    await expect(checkAnswer(records, page)).rejects.toThrow('/records/0 must NOT have additional');
    const nowhere = { method: 'GET', url: 'http://localhost/nowhere' };
    const problem = { status: 404, type: 'application/problem+json', body: { code: 'request.missing' } };
    await expect(checkAnswer(nowhere, problem)).rejects.toThrow("must have required property 'title'");
  });
});
