import { ask, paths } from './api.ts';
import { freshId } from './clock.ts';
import type { CampaignStatus, Entry } from './types.ts';
import type { Options, VerbId } from './verbs.ts';

/** What a command answers. */
interface Done {
  readonly command?: Entry;
  readonly campaign: CampaignStatus;
}

/** A campaign as somebody saw it: what goes out in If-Match. */
export interface Seen {
  readonly status: CampaignStatus;
  readonly etag?: string;
}

export async function look(id: string): Promise<Seen> {
  const { body, etag } = await ask<CampaignStatus>(paths.campaign(id));
  return { status: body, ...(etag === undefined ? {} : { etag }) };
}

/** One go at a command. Tried again after a lost answer it keeps its keys, so nothing is done twice. */
export class Attempt {
  readonly #keys = new Map<string, string>();

  /** Sends one request, or one for each key. Throws `Refused` and `Unanswered`. */
  async send(
    verb: VerbId,
    migration: string,
    seen: Seen | undefined,
    { keys, ...options }: Options,
    said: { readonly reason: string; readonly confirm?: string },
  ): Promise<Seen> {
    let now = seen;
    for (const key of keys ?? [undefined]) {
      const body = { ...options, ...said, ...(key === undefined ? {} : { key }) };
      const headers = {
        'idempotency-key': this.#keyOf(body),
        ...(now?.etag === undefined ? {} : { 'if-match': now.etag }),
      };
      const path = paths.command(verb, now?.status.campaign ?? migration, migration);
      const { body: done, etag } = await ask<Done>(path, { body, headers });
      now = { status: done.campaign, ...(etag === undefined ? {} : { etag }) };
    }
    return now!;
  }

  #keyOf(body: object): string {
    const text = JSON.stringify(body);
    const key = this.#keys.get(text) ?? freshId();
    this.#keys.set(text, key);
    return key;
  }
}

/** What others have commanded since: the newest last. */
export const since = (before: CampaignStatus, after: CampaignStatus): CampaignStatus['history'] =>
  after.history.slice(Math.max(0, after.history.length - (after.commands - before.commands)));
