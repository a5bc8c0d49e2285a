import { type Clock, systemClock } from '../clock.ts';
import type { Hub, HubAnswer, HubRequest, HubSubscription } from '../define/hub.ts';
import { HandoverError, messageOf } from '../errors.ts';
import { failureOf } from './answers.ts';
import { httpUrl, type OutboundAnswer, type OutboundOptions, type OutboundRequest, outbound } from './outbound.ts';
import {
  bodyOf,
  callOf,
  type RestAnswer,
  type RestCall,
  restAnswer,
  strangersIn,
  type Template,
  textAt,
} from './restCall.ts';
import { type Listed, listAll, type RestList } from './restList.ts';
import { urlProbe } from './urlProbe.ts';

/** A provider of webhooks with an interface of its own, as its author describes it. */
export interface RestDefinition extends OutboundOptions {
  /** For messages and stored states. */
  readonly name: string;
  /** `overlap` unless said otherwise. With `swap`, `replace` is what puts the callback in the place of the one before. */
  readonly shape?: 'overlap' | 'swap';
  /** Sent with every call: credentials. Asked for each time, so that they may change. */
  readonly headers?: () => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>;
  /** Not for `swap`, where there is one from the beginning. */
  readonly create?: Template<HubRequest>;
  /** Turns a subscription that is there (`reference`) into what is asked. Without it, one that is found is taken as it is. */
  readonly replace?: Template<HubRequest>;
  /** Not for `swap`, where there is nothing to end. */
  readonly delete?: Template<HubRequest>;
  /** By it, what lost answers left behind is found; of `swap`, the one URL that the provider has. */
  readonly list?: RestList;
  /** Where the answer to `create` has the provider's name for the subscription: a path of names in its JSON, or a function. */
  readonly reference?: string | ((answer: RestAnswer) => string | undefined);
  /** What it granted, where that ends by itself; seconds from now. */
  readonly leaseSeconds?: (answer: RestAnswer, now: number) => number | undefined;
  /** The same for the secret, where the provider makes it. */
  readonly secret?: string;
  /**
   * Why asking twice is harmless. `key`: the provider honours Idempotency-Key, which carries the intent. `look`: the list
   * is read first, and a subscription with that very callback is ours.
   */
  readonly repeat?: 'key' | 'look';
  /** Credentials may be sent without TLS: for tests, and networks that nobody else listens to. */
  readonly plainHttp?: boolean;
  readonly clock?: Clock;
}

type Ask = (call: RestCall) => Promise<OutboundAnswer>;

/** Throws `subscription.invalid` for a definition that contradicts itself. */
export function restProvider(definition: RestDefinition): Hub {
  const { name, shape = 'overlap', list } = definition;
  check(definition);
  const ask = asking(definition);
  const look = list && ((topic: string) => listed(definition, list, topic, ask));
  const hub: Hub = {
    name,
    shape,
    ...(shape === 'swap' ? { probe: urlProbe(definition) } : {}),
    ...(definition.secret === undefined ? {} : { makesSecret: true }),
    subscribe: (request) => subscribe(definition, request, ask, look),
    unsubscribe: (request) => unsubscribe(definition, request, ask, look),
  };
  return look ? { ...hub, list: (topic) => orThrow(look(topic), name, topic) } : hub;
}

type Look = (topic: string) => Promise<Listed>;

async function subscribe(
  definition: RestDefinition,
  request: HubRequest,
  ask: Ask,
  look: Look | undefined,
): Promise<HubAnswer> {
  const { create, replace, repeat, shape } = definition;
  let { reference } = request;
  if (shape === 'swap') return sent(definition, prepared(replace!, request), ask, reference);
  if (reference === undefined && repeat === 'look' && look) {
    const seen = await look(request.topic);
    if (seen.status !== 'listed') return unchanged(seen);
    reference = seen.found.find(({ callback }) => callback === request.callback)?.reference;
    if (reference !== undefined && !replace) return { status: 'done', reference };
  }
  const call =
    reference !== undefined && replace
      ? prepared(replace, { ...request, reference })
      : withIntent(prepared(create!, request), request.intent);
  return sent(definition, call, ask, reference);
}

const sent = async (
  definition: RestDefinition,
  call: RestCall | HubAnswer,
  ask: Ask,
  known: string | undefined,
): Promise<HubAnswer> => ('status' in call ? call : created(definition, await ask(call), known));

/** What an answer to `create` or `replace` says. */
function created(definition: RestDefinition, answer: OutboundAnswer, known: string | undefined): HubAnswer {
  const { clock = systemClock, reference: where } = definition;
  const failure = failureOf(answer, clock);
  if (failure || answer.status !== 'answered') return failure ?? { status: 'unknown', cause: '' };
  if (answer.code === 202) return { status: 'accepted' };
  const said = restAnswer(answer);
  try {
    const reference = (typeof where === 'function' ? where(said) : where && textAt(said.json, where)) ?? known;
    // It is there, and without its name nobody can end it: the list has the name, or the next attempt.
    if (where && reference === undefined) return { status: 'unknown', cause: `${answer.url} did not say its name` };
    const leaseSeconds = definition.leaseSeconds?.(said, clock.now());
    const secret = definition.secret === undefined ? undefined : textAt(said.json, definition.secret);
    // What is signed with it could not be told from what anybody sends.
    if (definition.secret !== undefined && secret === undefined && known === undefined)
      return { status: 'unknown', cause: `${answer.url} did not tell the secret` };
    return {
      status: 'done',
      ...(reference === undefined ? {} : { reference }),
      ...(leaseSeconds === undefined ? {} : { leaseSeconds }),
      ...(secret === undefined ? {} : { secret }),
    };
  } catch (error) {
    return { status: 'unknown', cause: `its answer could not be read: ${messageOf(error)}` };
  }
}

async function unsubscribe(
  definition: RestDefinition,
  request: HubRequest,
  ask: Ask,
  look: Look | undefined,
): Promise<HubAnswer> {
  if (request.reference !== undefined || !look) return end(definition, request, ask, look);
  const seen = await look(request.topic);
  if (seen.status !== 'listed') return unchanged(seen);
  // An answer that was lost may have left two of them.
  for (const { reference } of seen.found.filter(({ callback }) => callback === request.callback)) {
    const answer = await end(definition, { ...request, reference }, ask, look);
    if (answer.status !== 'done') return answer;
  }
  return { status: 'done' };
}

async function end(
  definition: RestDefinition,
  request: HubRequest,
  ask: Ask,
  look: Look | undefined,
): Promise<HubAnswer> {
  const { name, delete: template, clock = systemClock } = definition;
  if (!template) return { status: 'refused', cause: `${name} has no request that ends a subscription`, again: false };
  const call = prepared(template, request);
  if ('status' in call) return call;
  const answer = await ask(call);
  const failure = failureOf(answer, clock);
  if (!failure) return { status: answer.status === 'answered' && answer.code === 202 ? 'accepted' : 'done' };
  if (answer.status !== 'answered' || (answer.code !== 404 && answer.code !== 410)) return failure;
  // Some providers say "not found" to those who may not know: only their list tells which of the two it is.
  const seen = await look?.(request.topic);
  if (seen && seen.status !== 'listed') return unchanged(seen);
  return seen?.found.some(({ reference }) => reference === request.reference) ? failure : { status: 'done' };
}

/** A look changes nothing, whatever became of it. */
const unchanged = (seen: Exclude<Listed, { status: 'listed' }>): HubAnswer =>
  seen.status === 'unknown' ? { status: 'refused', cause: seen.cause, again: true } : seen;

/** What the author's function threw was thrown before anything was sent. */
function prepared(template: Template<HubRequest>, request: HubRequest): RestCall | HubAnswer {
  try {
    return callOf(template, request);
  } catch (error) {
    return { status: 'refused', cause: messageOf(error), again: false };
  }
}

function withIntent(call: RestCall | HubAnswer, intent: string): RestCall | HubAnswer {
  return 'status' in call ? call : { ...call, headers: { 'idempotency-key': intent, ...call.headers } };
}

function asking({ headers, plainHttp = false, ...options }: RestDefinition): Ask {
  const send = outbound(options);
  return async (call) => {
    if (!plainHttp && httpUrl(call.url)?.protocol === 'http:') {
      return { status: 'refused', cause: `${call.url} has no TLS to send credentials through`, again: false };
    }
    let request: OutboundRequest;
    try {
      const { body, headers: type } = bodyOf(call);
      const all = { accept: 'application/json', ...type, ...(await headers?.()), ...call.headers };
      request = { method: call.method, url: call.url, headers: all, ...(body === undefined ? {} : { body }) };
    } catch (error) {
      return { status: 'refused', cause: `the request was not made: ${messageOf(error)}`, again: true };
    }
    return send(request);
  };
}

async function listed(
  { clock = systemClock }: RestDefinition,
  list: RestList,
  topic: string,
  ask: Ask,
): Promise<Listed> {
  try {
    return await listAll(list, topic, ask, clock);
  } catch (error) {
    return { status: 'refused', cause: `its list could not be read: ${messageOf(error)}`, again: false };
  }
}

async function orThrow(look: Promise<Listed>, name: string, topic: string): Promise<readonly HubSubscription[]> {
  const seen = await look;
  if (seen.status === 'listed') return seen.found;
  throw new HandoverError('subscription.unlisted', `${name}: ${seen.cause}.`, { topic, cause: seen.cause });
}

function check({ name, shape, create, replace, delete: ends, list, repeat }: RestDefinition): void {
  const faults = [
    ...[create, replace, ends, list?.request].flatMap((template) => (template ? strangersIn(template) : [])),
    ...(shape !== 'swap' && !create ? ['has no `create`'] : []),
    ...(shape !== 'swap' && !ends ? ['has no `delete`'] : []),
    ...(shape === 'swap' && !replace ? ['has no `replace`'] : []),
    ...(shape === 'swap' && (create || ends) ? ['has one URL, which is neither created nor deleted'] : []),
    ...(repeat === 'look' && !list ? ['has `repeat: look` and no `list`'] : []),
  ];
  if (faults.length > 0)
    throw new HandoverError('subscription.invalid', `The provider ${name} ${faults.join(', ')}.`, { name });
}
