import { describe, expect, test } from 'vitest';
import type { HubRequest } from '../../src/define/hub.ts';
import { type ProviderOptions, slack, twilio, urlProbe } from '../../src/webhooks/index.ts';
import { formOf, serve } from './server.ts';

const CALLBACK = 'https://app.test/in/5f0c9a';
const asked = (topic: string, callback = CALLBACK): HubRequest => ({ hub: '', topic, callback, intent: 'i1' });

describe('Slack', () => {
  const URL_BEFORE = 'https://app.test/old';

  /** An app with its manifest, which is told and replaced as Slack does it. */
  async function app() {
    const manifest = {
      display_information: { name: 'app' },
      settings: {
        event_subscriptions: { request_url: URL_BEFORE, bot_events: ['message.im'] },
        socket_mode_enabled: false,
      },
    };
    let kept: unknown = manifest;
    let error: string | undefined;
    let fault: 'lost' | number | undefined;
    const server = await serve((response, seen) => {
      const form = formOf(seen);
      const say = (said: object) => response.end(JSON.stringify(said));
      const isUpdate = seen.path === '/api/apps.manifest.update';
      if (seen.headers.authorization !== 'Bearer xoxe' || form['app_id']?.[0] !== 'A1')
        return say({ ok: false, error: 'invalid_auth' });
      if (isUpdate && typeof fault === 'number') return response.writeHead(fault).end();
      if (error) return say({ ok: false, error, errors: [{ message: 'no such thing', pointer: '/' }] });
      if (!isUpdate) return say({ ok: true, manifest: kept });
      kept = JSON.parse(form['manifest']![0]!);
      if (fault === 'lost') return response.destroy();
      say({ ok: true, app_id: 'A1', permissions_updated: false });
    });
    const options: ProviderOptions = {
      base: `${server.url}/api`,
      token: () => 'xoxe',
      allow: ['127.0.0.1'],
      plainHttp: true,
    };
    return {
      hub: slack(options),
      options,
      server,
      manifest,
      kept: () => kept,
      fails: (with_: string | undefined) => {
        error = with_;
      },
      faults: (with_: typeof fault) => {
        fault = with_;
      },
      updates: () => server.seen.filter(({ path }) => path.endsWith('update')).length,
    };
  }

  test('only the request URL of the manifest is replaced, and Slack is to ask it', async () => {
    const { hub, manifest, kept, updates } = await app();
    expect(await hub.list!('A1')).toEqual([{ reference: 'A1', callback: URL_BEFORE }]);
    expect(await hub.subscribe(asked('A1'))).toEqual({ status: 'accepted' });
    const { settings } = manifest;
    const event_subscriptions = { ...settings.event_subscriptions, request_url: CALLBACK };
    expect(kept()).toEqual({ ...manifest, settings: { ...settings, event_subscriptions } });
    expect(await hub.list!('A1')).toEqual([{ reference: 'A1', callback: CALLBACK }]);
    // Asked again, there is nothing to change; the URL is still to be asked, as far as anybody knows.
    expect(await hub.subscribe(asked('A1'))).toEqual({ status: 'accepted' });
    expect(updates()).toBe(1);
  });

  test('an answer that is lost is unknown, and what is asked again finds it', async () => {
    const { hub, faults, updates } = await app();
    faults('lost');
    expect(await hub.subscribe(asked('A1'))).toMatchObject({ status: 'unknown' });
    faults(undefined);
    expect(await hub.subscribe(asked('A1'))).toEqual({ status: 'accepted' });
    expect(updates()).toBe(1);
  });

  test('its refusals are refusals although they say 200', async () => {
    const { hub, fails, faults, options } = await app();
    fails('ratelimited');
    expect(await hub.subscribe(asked('A1'))).toMatchObject({ status: 'refused', again: true });
    fails('invalid_manifest');
    expect(await hub.subscribe(asked('A1'))).toMatchObject({
      status: 'refused',
      again: false,
      cause: 'Slack answered invalid_manifest: no such thing',
    });
    fails('internal_error');
    // It was only read.
    expect(await hub.subscribe(asked('A1'))).toMatchObject({ status: 'refused', again: true });
    fails(undefined);
    faults(502);
    expect(await hub.subscribe(asked('A1'))).toMatchObject({ status: 'unknown' });
    const { plainHttp: _, ...careful } = options;
    expect(await slack(careful).subscribe(asked('A1'))).toMatchObject({ status: 'refused', again: false });
    await expect(slack({ ...options, token: () => 'stolen' }).list!('A1')).rejects.toMatchObject({
      code: 'subscription.unlisted',
    });
  });
});

describe('Twilio', () => {
  const number = async (more: { field?: 'messages' | 'status' } = {}) => {
    const kept: Record<string, string> = { sms_url: 'https://app.test/old', status_callback: 'https://app.test/state' };
    const server = await serve((response, seen) => {
      const { method, path, headers } = seen;
      const isKnown = path === '/2010-04-01/Accounts/AC1/IncomingPhoneNumbers/PN1.json';
      if (headers.authorization !== `Basic ${Buffer.from('SK1:secret').toString('base64')}` || !isKnown)
        return response.writeHead(404).end();
      const form = method === 'POST' ? formOf(seen) : {};
      if (form['SmsUrl']) kept['sms_url'] = form['SmsUrl'][0]!;
      if (form['StatusCallback']) kept['status_callback'] = form['StatusCallback'][0]!;
      response.end(JSON.stringify({ sid: 'PN1', ...kept }));
    });
    const options = { base: server.url, allow: ['127.0.0.1'], plainHttp: true };
    const hub = twilio({ ...options, accountSid: 'AC1', credentials: () => ['SK1', 'secret'], ...more });
    return { kept, server, hub };
  };

  test('the URL of a number is replaced, as often as it is asked, and told', async () => {
    const { kept, server, hub } = await number();
    for (let i = 0; i < 2; i++) expect(await hub.subscribe(asked('PN1'))).toEqual({ status: 'done', reference: 'PN1' });
    expect(kept).toEqual({ sms_url: CALLBACK, status_callback: 'https://app.test/state' });
    expect(formOf(server.seen[0]!)).toEqual({ SmsUrl: [CALLBACK], SmsMethod: ['POST'] });
    expect(await hub.list!('PN1')).toEqual([{ reference: 'PN1', callback: CALLBACK }]);
    expect(await hub.subscribe(asked('PN2'))).toMatchObject({ status: 'refused', again: false });
  });

  test('or where it says what becomes of its calls', async () => {
    const { kept, hub } = await number({ field: 'status' });
    expect(await hub.subscribe(asked('PN1'))).toMatchObject({ status: 'done' });
    expect(kept).toEqual({ sms_url: 'https://app.test/old', status_callback: CALLBACK });
    expect(await hub.list!('PN1')).toEqual([{ reference: 'PN1', callback: CALLBACK }]);
  });
});

describe('the request to our own URL', () => {
  const probeOf = async (body: (challenge: string) => string, status = 200) => {
    const server = await serve((response, { path }) => {
      const challenge = new URL(path, 'http://a/').searchParams.get('hub.challenge') ?? '';
      response.writeHead(status).end(body(challenge));
    });
    const request = asked('app 1', `${server.url}/in?of=me`);
    return { server, answer: await urlProbe({ allow: ['127.0.0.1'] })(request), request };
  };

  test('is answered where its challenge comes back', async () => {
    const { server, answer } = await probeOf((challenge) => challenge);
    expect(answer).toEqual({ status: 'done' });
    expect(server.seen[0]!.path).toMatch(/^\/in\?of=me&hub\.mode=subscribe&hub\.topic=app\+1&hub\.challenge=\w+$/);
  });

  test.each([
    ['a page for everybody', () => 'Welcome', 200],
    ['an error with the challenge', (challenge: string) => challenge, 500],
    ['nobody there', () => '', 404],
  ] as const)('is not by %s, and may be later', async (_, body, status) => {
    expect((await probeOf(body, status)).answer).toMatchObject({ status: 'refused', again: true });
  });

  test('goes to no address inside that is not allowed', async () => {
    const { request } = await probeOf((challenge) => challenge);
    expect(await urlProbe()(request)).toMatchObject({ status: 'refused', again: false });
  });
});
