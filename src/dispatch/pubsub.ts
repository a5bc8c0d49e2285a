import type { PubSub, Topic, v1 } from '@google-cloud/pubsub';
import { type Clock, systemClock } from '../clock.ts';
import { HandoverError, messageOf } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Dispatch, Hint } from './dispatch.ts';
import { Puller } from './puller.ts';

export interface PubsubOptions {
  /** Where ranges are published. */
  readonly topic: string;
  /** What workers pull from. Not needed where messages are pushed, or nobody works: whoever tends only publishes. */
  readonly subscription?: string;
  /** Where ranges that were set aside are told of. Default: nowhere; `handover status` shows them all the same. */
  readonly deadLetterTopic?: string;
  /** Default: the environment's GOOGLE_CLOUD_PROJECT, then the credentials'. */
  readonly projectId?: string;
  /** Of a service account. Default: what Google's libraries find by themselves. */
  readonly keyFilename?: string;
  readonly credentials?: { readonly client_email: string; readonly private_key: string };
  /** `host:port` of an emulator. Default: the environment's PUBSUB_EMULATOR_HOST. */
  readonly emulatorHost?: string;
}

const DRIVER = '@google-cloud/pubsub';

/**
 * Google Cloud Pub/Sub. Nothing is asked of the topic or of its subscriptions: neither an order, nor that a message comes
 * once, nor that it comes at all. Throws `dispatch.driver`.
 */
export async function pubsubDispatch(options: PubsubOptions, clock: Clock = systemClock): Promise<Dispatch> {
  const { topic, subscription, deadLetterTopic, emulatorHost, ...connection } = options;
  const { PubSub, v1 } = await driver();
  const emulator = emulatorHost ?? process.env['PUBSUB_EMULATOR_HOST'];
  const client: PubSub = new PubSub({
    ...connection,
    ...projectOf(connection.projectId, emulator),
    ...(emulator === undefined ? {} : { apiEndpoint: emulator, emulatorMode: true }),
    // With the universe named, nobody asks a metadata server for it.
    universeDomain: 'googleapis.com',
  });
  const topics = { ranges: client.topic(topic), letters: deadLetterTopic && client.topic(deadLetterTopic) };

  const send = async (to: Topic, messages: readonly (Hint & object)[]): Promise<void> => {
    const sent = Promise.all(
      messages.map((json) => to.publishMessage({ json: { v: 1, ...json }, attributes: { campaign: json.campaign } })),
    );
    const over = new AbortController();
    // It goes on for ten minutes by itself, and whoever tends must not wait for it.
    const late = clock.sleep(LIMITS.callMs, over.signal).then(() => 'late' as const);
    try {
      if ((await Promise.race([sent, late])) === 'late') throw new Error(`no answer in ${LIMITS.callMs} ms`);
    } catch (cause) {
      sent.catch(() => undefined);
      throw failed(`publish to ${to.name}`, cause);
    } finally {
      over.abort();
    }
  };

  return {
    name: `pubsub ${topic}`,
    publish: async (hints) => {
      if (hints.length > 0) await send(topics.ranges, hints);
    },
    setAside: async (letter) => {
      if (topics.letters) await send(topics.letters, [letter]);
    },
    receive: async (work, receiving) => {
      if (subscription === undefined) return;
      // The high-level client hands out what a server sends, and servers send more than was asked for; this one asks for one.
      const subscriber = new v1.SubscriberClient(
        client.options as ConstructorParameters<typeof v1.SubscriberClient>[0],
      );
      try {
        const name = await fullName(subscriber, subscription);
        await new Puller({ subscriber, name, clock, work, failed, ...receiving }).run();
      } finally {
        await subscriber.close();
      }
    },
    close: () => client.close(),
  };
}

async function fullName(subscriber: v1.SubscriberClient, name: string): Promise<string> {
  return name.includes('/') ? name : subscriber.subscriptionPath(await subscriber.getProjectId(), name);
}

/** Codes of gRPC. */
const MISSING = 5;
const DENIED: readonly unknown[] = [7, 16];

/** `dispatch.missing` and `dispatch.denied` for what will be no better in a while, else `dispatch.unavailable`. */
function failed(what: string, cause: unknown): HandoverError {
  const { code } = cause as { readonly code?: unknown };
  const which = code === MISSING ? 'missing' : DENIED.includes(code) ? 'denied' : 'unavailable';
  return new HandoverError(`dispatch.${which}`, `Could not ${what}: ${messageOf(cause)}.`, {}, { cause });
}

/** An emulator has no credentials that name one. */
function projectOf(projectId: string | undefined, emulator: string | undefined): { readonly projectId?: string } {
  const named = projectId ?? process.env['GOOGLE_CLOUD_PROJECT'] ?? process.env['GCLOUD_PROJECT'];
  if (named) return { projectId: named };
  if (emulator === undefined) return {};
  throw new HandoverError(
    'config.invalid',
    'An emulator of Pub/Sub was named, and no project: pass `projectId`, any name will do.',
  );
}

/** Loaded when it is asked for, and not before: it is no dependency of those who have no fleet. */
async function driver(): Promise<typeof import('@google-cloud/pubsub')> {
  try {
    return await import(DRIVER);
  } catch (cause) {
    const detail = `${DRIVER} could not be loaded: ${messageOf(cause)}.`;
    throw new HandoverError('dispatch.driver', detail, { package: DRIVER }, { cause });
  }
}
