import type { Hub } from '../../define/hub.ts';
import { restProvider } from '../rest.ts';
import { type RestAnswer, textAt } from '../restCall.ts';
import type { Page } from '../restList.ts';
import type { ProviderOptions } from './options.ts';

export interface TwilioOptions extends Omit<ProviderOptions, 'token'> {
  readonly accountSid: string;
  /** The account's SID and auth token, or an API key's SID and secret: asked for before each call. */
  readonly credentials: () => readonly [string, string] | Promise<readonly [string, string]>;
  /** Which of a number's URLs: where its messages go (without it), or what becomes of its calls. */
  readonly field?: keyof typeof FIELDS;
}

/** The field to set, the one that says how it is called, and where an answer has the URL. */
const FIELDS = {
  messages: ['SmsUrl', 'SmsMethod', 'sms_url'],
  status: ['StatusCallback', 'StatusCallbackMethod', 'status_callback'],
} as const;

/**
 * The one URL of a phone number at Twilio (twilio.com/docs/phone-numbers/api/incomingphonenumber-resource). A topic is the
 * number's SID, `PN…`. Deliveries are signed with the auth token of the account, which is the secret of both URLs. What is
 * called for an incoming call (`VoiceUrl`) is not among them: it has to be answered with what to do, which no inbox can.
 */
export function twilio({
  base = 'https://api.twilio.com',
  name = 'twilio',
  accountSid,
  credentials,
  field = 'messages',
  ...options
}: TwilioOptions): Hub {
  const [url, method, said] = FIELDS[field];
  const numbers = `${base}/2010-04-01/Accounts/${encodeURIComponent(accountSid)}/IncomingPhoneNumbers`;
  return restProvider({
    ...options,
    name,
    shape: 'swap',
    headers: async () => ({
      authorization: `Basic ${Buffer.from((await credentials()).join(':')).toString('base64')}`,
    }),
    replace: { method: 'POST', url: `${numbers}/{topic}.json`, form: { [url]: '{callback}', [method]: 'POST' } },
    reference: 'sid',
    list: {
      request: { method: 'GET', url: `${numbers}/{topic}.json` },
      read: (answer) => pageOf(answer, said),
    },
  });
}

function pageOf({ json }: RestAnswer, said: string): Page {
  const [reference, callback] = [textAt(json, 'sid'), textAt(json, said)];
  return { found: reference === undefined || callback === undefined ? [] : [{ reference, callback }] };
}
