import { hash } from 'node:crypto';
import type { LoneVerb } from '../verb.ts';

export const tokenVerb: LoneVerb = {
  usage: 'token',
  summary: 'make a bearer token for `serve`, and print it once, with the hash that goes into the configuration',
  alone: async ({ clock }) => {
    // 256 bits, and a head by which those who search for leaked secrets know it.
    const token = `handover_${clock.id(32)}`;
    const sha256 = hash('sha256', token, 'hex');
    const line = `{ name: 'NAME', role: 'operator', sha256: '${sha256}' }`;
    const text = `${token}\n\nIt is kept nowhere, and shown only now. Into \`server.tokens\` of handover.config.ts goes:\n  ${line}`;
    return { data: { token, sha256 }, text };
  },
};
