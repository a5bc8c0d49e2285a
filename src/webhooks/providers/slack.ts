import { systemClock } from '../../clock.ts';
import type { Hub, HubAnswer, HubRequest, HubSubscription } from '../../define/hub.ts';
import { HandoverError, messageOf } from '../../errors.ts';
import { failureOf } from '../answers.ts';
import { httpUrl, outbound } from '../outbound.ts';
import { at, bodyOf, restAnswer, textAt } from '../restCall.ts';
import { urlProbe } from '../urlProbe.ts';
import { bearer, type ProviderOptions } from './options.ts';

/** What a call came to: an answer's JSON, or why there is none. */
type Said = { readonly json: unknown } | Extract<HubAnswer, { status: 'refused' | 'unknown' }>;
type Call = (method: string, form: Readonly<Record<string, string>>) => Promise<Said>;

/** Errors after which nobody knows; and those that pass. The others are for a person. */
const UNKNOWN = new Set(['fatal_error', 'internal_error', 'request_timeout', 'service_unavailable']);
const PASSING = new Set(['ratelimited', 'rate_limited', 'team_added_to_org', 'accesslimited']);

/**
 * The one request URL for events of an app at Slack, which its manifest says (docs.slack.dev, apps.manifest.export and
 * .update). A topic is the app's id, `A…`; the token is an app configuration token, which lasts 12 hours. An update replaces
 * the whole manifest, so it is read just before: nobody else should edit it meanwhile. Slack posts to a URL only once it has
 * asked it (`url_verification`), which may take a person on the app's manifest page; the swap waits for that.
 */
export function slack({ base = 'https://slack.com/api', name = 'slack', token, ...options }: ProviderOptions): Hub {
  const call = calling(base, token, options);
  return {
    name,
    shape: 'swap',
    probe: urlProbe(options),
    subscribe: (request) => replaced(call, request),
    unsubscribe: async () => ({ status: 'refused', cause: 'an app has one URL, which is replaced', again: false }),
    async list(topic): Promise<readonly HubSubscription[]> {
      const said = await call('apps.manifest.export', { app_id: topic });
      if ('status' in said)
        throw new HandoverError('subscription.unlisted', `${name}: ${said.cause}.`, { topic, cause: said.cause });
      const callback = textAt(said.json, `manifest.${REQUEST_URL}`);
      return callback === undefined ? [] : [{ reference: topic, callback }];
    },
  };
}

const REQUEST_URL = 'settings.event_subscriptions.request_url';

async function replaced(call: Call, { topic, callback }: HubRequest): Promise<HubAnswer> {
  const said = await call('apps.manifest.export', { app_id: topic });
  // To read changes nothing.
  if ('status' in said) return said.status === 'unknown' ? { status: 'refused', cause: said.cause, again: true } : said;
  const manifest = at(said.json, 'manifest');
  const there = textAt(manifest, REQUEST_URL);
  if (there === undefined) return { status: 'refused', cause: `${topic} has no request URL for events`, again: false };
  // Whether Slack has asked it yet, the manifest does not say.
  if (there === callback) return { status: 'accepted' };
  const next = structuredClone(manifest) as { settings: { event_subscriptions: { request_url: string } } };
  next.settings.event_subscriptions.request_url = callback;
  const done = await call('apps.manifest.update', { app_id: topic, manifest: JSON.stringify(next) });
  return 'status' in done ? done : { status: 'accepted' };
}

function calling(base: string, token: ProviderOptions['token'], options: Omit<ProviderOptions, 'token'>): Call {
  const { clock = systemClock, plainHttp = false, ...rest } = options;
  const send = outbound(rest);
  return async (method, form) => {
    const url = `${base}/${method}`;
    if (!plainHttp && httpUrl(url)?.protocol !== 'https:')
      return { status: 'refused', cause: `${url} has no TLS to send credentials through`, again: false };
    let headers: Readonly<Record<string, string>>;
    const { body, headers: type } = bodyOf({ method: 'POST', url, form });
    try {
      headers = { accept: 'application/json', ...type, ...(await bearer(token)()) };
    } catch (error) {
      return { status: 'refused', cause: `the request was not made: ${messageOf(error)}`, again: true };
    }
    const answer = await send({ method: 'POST', url, headers, ...(body === undefined ? {} : { body }) });
    const failure = failureOf(answer, clock);
    if (failure || answer.status !== 'answered') return failure ?? { status: 'unknown', cause: 'no answer' };
    return saidBy(restAnswer(answer).json);
  };
}

/** Slack says with 200 that it refuses. */
function saidBy(json: unknown): Said {
  if (at(json, 'ok') === true) return { json };
  const error = textAt(json, 'error');
  if (error === undefined || UNKNOWN.has(error)) return { status: 'unknown', cause: `Slack answered ${error ?? '?'}` };
  const detail = textAt(json, 'errors.0.message');
  const cause = `Slack answered ${error}${detail === undefined ? '' : `: ${detail}`}`;
  return { status: 'refused', cause, again: PASSING.has(error) };
}
