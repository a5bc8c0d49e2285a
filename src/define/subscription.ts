import { HandoverError, messageOf } from '../errors.ts';
import type { Content } from '../record/content.ts';
import type { Key } from '../record/key.ts';
import { type PlainRecord, toPlain } from '../record/plain.ts';
import { pattern } from './entity.ts';
import { type Hub, OLD_URL, PROTOCOL_NAMES, type Protocol } from './hub.ts';
import { sourceText } from './sourceText.ts';

/** A subscription as the author's records tell of it. */
export interface SubscriptionTerms {
  /** Its URL, or what the provider calls it. */
  readonly topic: string;
  /**
   * The hub's URL. Unset: it is discovered from the topic, and what is discovered there is the topic; a provider that has
   * one place for all needs none.
   */
  readonly hub?: string;
  /** The callback URLs: the one that is subscribed, and the one that is to be. Two of them never have the same path. */
  readonly old: string;
  readonly new: string;
  /** Of the old subscription, as it was asked for; and of the new one. Under 200 bytes. */
  readonly oldSecret?: string;
  readonly newSecret?: string;
  /** When the old subscription ends by itself, in milliseconds since 1970, where that is known. */
  readonly oldLeaseUntil?: number;
  /** The provider's name for the old subscription. */
  readonly oldReference?: string;
  /** What to ask for; the hub may grant another. */
  readonly leaseSeconds?: number;
  /** Whose it is, where one topic is subscribed for several: deliveries are told apart within it. */
  readonly tenant?: string;
}

export interface SubscriptionDefinition<T extends object = PlainRecord> {
  /** The kinds of the path of the records that have one, as `Feed` or `User/Feed`; of such as are moved, the old path. */
  readonly of: string;
  /** Who posts: `websub()`, a provider, or one of your own. */
  readonly hub: Hub;
  /** How its deliveries are signed and told apart: `feed` for Atom and RSS by WebSub, `websub` for other bodies by WebSub. */
  readonly protocol: Protocol;
  /** The subscription of a record; undefined where it has none. It must depend on the record alone. */
  readonly terms: (record: T, key: Key) => SubscriptionTerms | undefined;
  /**
   * Under `by: 'group'`: the root of the group that the subscription of a record belongs to. Unset: what the record stands
   * below. Records that are moved take their subscriptions along into their own group.
   */
  readonly group?: (record: T, key: Key) => Key;
  /** Milliseconds without a delivery after which a topic counts as quiet, and the new URL as good. Default: an hour. */
  readonly quietMs?: number;
  /**
   * Milliseconds, from when the old URL was given up, in which it goes on accepting although `complete` was said. Default:
   * what its protocol asks for where one URL was replaced; 0 where the old subscription was ended, or its lease is over.
   */
  readonly keepOldMs?: number;
}

/** A validated definition. */
export interface SubscriptionRule {
  readonly of: readonly string[];
  readonly hub: Hub;
  readonly protocol: Protocol;
  readonly quietMs: number;
  readonly keepOldMs: number;
  /** Throws `transform.terms`. */
  termsOf(key: Key, content: Content): SubscriptionTerms | undefined;
  /** Where the author says the group. Throws `transform.terms`. */
  readonly groupOf?: (key: Key, content: Content) => Key;
  readonly source: string;
}

const QUIET_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** Declares subscriptions that get a new callback URL, within `defineMigration`. */
export function subscription<T extends object = PlainRecord>(definition: SubscriptionDefinition<T>): SubscriptionRule {
  const { hub, protocol, quietMs = QUIET_MS } = definition;
  const { terms, group } = definition as unknown as SubscriptionDefinition;
  const refuse = (why: string): never => {
    throw new HandoverError('definition.invalid', `Subscriptions of ${definition.of}: ${why}.`);
  };
  if (typeof hub?.subscribe !== 'function') refuse('`hub` must be who posts, as websub()');
  if (hub.shape !== 'overlap' && hub.shape !== 'swap') refuse('the `shape` of its hub must be overlap or swap');
  if (hub.shape === 'swap' && !hub.probe) refuse('a hub with one URL needs a `probe`, as urlProbe()');
  if (!PROTOCOL_NAMES.includes(protocol)) refuse(`\`protocol\` must be one of ${PROTOCOL_NAMES.join(', ')}`);
  if (typeof terms !== 'function') refuse('`terms` must be a function');
  if (group !== undefined && typeof group !== 'function') refuse('`group` must be a function that returns a key');
  if (!Number.isFinite(quietMs) || quietMs < 0) refuse('`quietMs` must be 0 or more');
  const { keepOldMs = hub.shape === 'swap' ? OLD_URL[protocol].days * DAY_MS : 0 } = definition;
  if (!Number.isFinite(keepOldMs) || keepOldMs < 0) refuse('`keepOldMs` must be 0 or more');
  return {
    of: pattern('of', definition.of),
    hub,
    protocol,
    quietMs,
    keepOldMs,
    termsOf: (key, content) =>
      guarded(key, () => {
        const given = terms(toPlain(content.properties), key);
        return given && checked(given, hub);
      }),
    ...(group
      ? { groupOf: (key, content) => guarded(key, () => rootOf(group(toPlain(content.properties), key))) }
      : {}),
    // How long to keep the old URL is no part of what is done: it may be changed while a campaign is open.
    source: [
      'subscription',
      definition.of,
      hub.name,
      protocol,
      String(quietMs),
      ...[terms, ...(group ? [group] : [])].map(sourceText),
    ].join('\n'),
  };
}

function guarded<R>(key: Key, run: () => R): R {
  try {
    return run();
  } catch (error) {
    throw new HandoverError('transform.terms', `${key}: ${messageOf(error)}`, { key: key.toString() });
  }
}

function rootOf(group: Key): Key {
  if (group?.path?.length === 1) return group;
  throw new Error(`\`group\` gave ${group}, which is not the root of a group`);
}

function checked(terms: SubscriptionTerms, { isSender }: Hub): SubscriptionTerms {
  if (typeof terms.topic !== 'string' || terms.topic === '') throw new Error('`topic` is missing');
  for (const field of ['old', 'new'] as const) {
    if (!URL.canParse(terms[field]))
      throw new Error(`\`${field}\` is ${JSON.stringify(terms[field])}, which is no URL`);
  }
  // To a subscriber's URLs the application only posts: that of a new payload version may be the one it was.
  if (isSender) return terms;
  if (pathOf(terms.old) === pathOf(terms.new)) throw new Error('the old and the new callback have the same path');
  for (const url of [terms.old, terms.new]) {
    // A hub lays its own over them.
    if ([...new URL(url).searchParams.keys()].some((name) => name.startsWith('hub.')))
      throw new Error(`${url} has a parameter of the hub's`);
  }
  return terms;
}

/** What a receiver tells callbacks apart by. */
export const pathOf = (url: string): string => new URL(url).pathname;
