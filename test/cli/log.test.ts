import { Writable } from 'node:stream';
import { expect, it } from 'vitest';
import { workLog } from '../../src/cli/log.ts';

it('secrets and what records hold are not logged, wherever they stand; keys and codes are', () => {
  let text = '';
  const err = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  const log = workLog({ io: { err } } as never);
  log.warn({ event: 'record.quarantined', key: 'Feed:7', code: 'transform.failed', message: 'no such title: PRIVATE' });
  log.warn({ event: 'callback.refused', side: { secret: 'PRIVATE', url: 'https://a.example' }, token: 'PRIVATE' });
  log.warn({ event: 'copy.differed', last: { expected: 'PRIVATE', found: 'PRIVATE' }, headers: { cookie: 'PRIVATE' } });
  log.error({ event: 'request.failed', err: Object.assign(new Error('a defect'), { facts: { record: 'PRIVATE' } }) });
  expect(text).not.toContain('PRIVATE');
  for (const shown of ['Feed:7', 'transform.failed', 'https://a.example', 'a defect', '[redacted]'])
    expect(text).toContain(shown);
});
