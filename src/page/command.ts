import { type Answer, ask, paths } from './api.ts';
import { freshId } from './clock.ts';
import type { Options } from './options.ts';
import type { CampaignStatus, Entry } from './types.ts';
import type { VerbId } from './verbs.ts';

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

/** Between two of its commands somebody else gave one. */
export class Overtaken extends Error {}

/** One go at a command. Tried again after a lost answer it keeps its keys, so nothing is done twice. */
export class Attempt {
  readonly #keys = new Map<string, string>();
  /** The places of its own commands in the audit trail. */
  readonly #own = new Set<number>();
  readonly #done: string[] = [];
  #last: Seen | undefined;

  /** Of several records, those whose command was answered. */
  get done(): readonly string[] {
    return this.#done;
  }

  /** The campaign as the last answer told it. */
  get last(): Seen | undefined {
    return this.#last;
  }

  /** Sends one request, or one for each key that is not done. Throws `Refused`, `Unanswered` and `Overtaken`. */
  async send(
    verb: VerbId,
    migration: string,
    seen: Seen | undefined,
    { keys, ...options }: Options,
    said: { readonly reason: string; readonly confirm?: string },
  ): Promise<Seen> {
    this.#last = undefined;
    const left: readonly (string | undefined)[] = keys?.filter((key) => !this.#done.includes(key)) ?? [undefined];
    for (const key of left) {
      const now: Seen | undefined = this.#last ?? seen;
      // The answer to the one before tells of what came in between: on that nobody has decided.
      if (seen && now && this.others(seen, now).length > 0) throw new Overtaken();
      const body = { ...options, ...said, ...(key === undefined ? {} : { key }) };
      const headers: Record<string, string> = {
        'idempotency-key': this.#keyOf(body),
        ...(now?.etag === undefined ? {} : { 'if-match': now.etag }),
      };
      const path = paths.command(verb, now?.status.campaign ?? migration, migration);
      const { body: done, etag }: Answer<Done> = await ask<Done>(path, { body, headers });
      if (done.command) this.#own.add(done.command.number);
      if (key !== undefined) this.#done.push(key);
      this.#last = { status: done.campaign, ...(etag === undefined ? {} : { etag }) };
    }
    return this.#last!;
  }

  /** What others have commanded in between, by the numbers of its own: the newest last. */
  others({ status: before }: Seen, { status: after }: Seen): CampaignStatus['history'] {
    const first = after.commands - after.history.length;
    return after.history.filter((_, i) => first + i >= before.commands && !this.#own.has(first + i));
  }

  #keyOf(body: object): string {
    const text = JSON.stringify(body);
    const key = this.#keys.get(text) ?? freshId();
    this.#keys.set(text, key);
    return key;
  }
}
