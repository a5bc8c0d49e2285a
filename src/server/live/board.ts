import type { CampaignStatus, Status } from '../../admin/inspect.ts';

/** What a stream is about: one campaign, by its id or its migration (then the newest run of it); unset: all, and the list. */
export type Wanted = string | undefined;

/** The newest state of one thing, and its place among all that was posted. */
export interface Post {
  readonly number: number;
  /** As a server-sent event; one buffer for all who are sent it. */
  readonly frame: Buffer;
}

interface Entry extends Post {
  readonly json: string;
}

const LIST = 'campaigns';

/**
 * The newest state of each campaign, and of the list. Every state is whole, so nobody needs one that was replaced: who saw
 * everything up to a number misses only what has a higher one. So it needs no history, and remembers nobody.
 */
export class Board {
  /** Numbers of another process mean nothing here. */
  readonly #epoch: string;
  readonly #entries = new Map<string, Entry>();
  #number = 0;
  #newest: ReadonlyMap<string, string> = new Map();

  constructor(epoch: string) {
    this.#epoch = epoch;
  }

  /** Takes in what a look has found. */
  post(status: Status): void {
    for (const campaign of status.campaigns) this.#put(nameOf(campaign.campaign), 'campaign', campaign);
    this.#put(LIST, LIST, status);
    this.#newest = new Map(status.campaigns.map(({ migration, campaign }) => [migration, campaign]));
  }

  has(wanted: Wanted): boolean {
    return wanted === undefined || this.#entries.has(this.#entryOf(wanted));
  }

  /** The oldest of what is wanted that came after `seen`. Who asks on with its number sees all, in order. */
  next(wanted: Wanted, seen: number): Post | undefined {
    const one = wanted === undefined ? undefined : this.#entries.get(this.#entryOf(wanted));
    const all = wanted === undefined ? [...this.#entries.values()] : one ? [one] : [];
    return all.filter(({ number }) => number > seen).sort((a, b) => a.number - b.number)[0];
  }

  /** What somebody has seen who shows this `Last-Event-ID`; 0 where that says nothing here. */
  seenBy(lastEventId: string | undefined): number {
    const [, epoch, digits] = /^(\w+)-(\d{1,15})$/.exec(lastEventId ?? '') ?? [];
    const number = Number(digits);
    return epoch === this.#epoch && number <= this.#number ? number : 0;
  }

  #entryOf(wanted: string): string {
    return nameOf(this.#newest.get(wanted) ?? wanted);
  }

  #put(name: string, event: string, state: CampaignStatus | Status): void {
    const json = JSON.stringify(state);
    if (this.#entries.get(name)?.json === json) return;
    const number = ++this.#number;
    const frame = Buffer.from(`event: ${event}\nid: ${this.#epoch}-${number}\ndata: ${json}\n\n`);
    this.#entries.set(name, { number, json, frame });
  }
}

const nameOf = (campaign: string): string => `campaign ${campaign}`;
