import type { Clock } from '../clock.ts';
import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Key } from '../record/key.ts';
import type { Store } from '../store/store.ts';
import type { Wire } from '../wire.ts';
import { documentKey, load, loadMany, type Saved, save } from './documents.ts';
import type { numberedEntry } from './entrySchema.ts';
import type { CampaignDocument } from './schemas.ts';

/**
 * A campaign's audit trail: every command, numbered from 0, never changed and never dropped. The newest stand in the
 * campaign itself, written by the same compare-and-set as what they did. Before the oldest leaves it, it is stored as a
 * document of its own: a crash in between leaves it in both places, under one number, and readers see it once.
 */
export type Entry = CampaignDocument['history'][number];

export type Numbered = Wire<typeof numberedEntry>;

type Trail = Pick<CampaignDocument, 'id' | 'history' | 'archived'>;

/** How many commands the campaign was given: also the number of the next one. */
export const commandsOf = ({ history, archived = 0 }: Pick<Trail, 'history' | 'archived'>): number =>
  archived + history.length;

/** The history with one more entry. */
export function entered(
  { clock, by }: { readonly clock: Clock; readonly by: string },
  { history }: Pick<Trail, 'history'>,
  entry: Omit<Entry, 'at' | 'by'>,
): Pick<CampaignDocument, 'history'> {
  return { history: [...history, { at: clock.now(), by, ...entry }] };
}

/** By its number, so that whoever knows how many there are need not scan, which may lag. */
const entryKey = (campaign: string, number: number): Key =>
  documentKey('command', campaign, String(number).padStart(10, '0'));

/** Stores what is too much for the campaign, and leaves it out: to be called before the campaign is written. */
export async function archive(
  store: Store,
  campaign: CampaignDocument,
): Promise<{ readonly done: CampaignDocument } | Saved> {
  const surplus = campaign.history.slice(0, -LIMITS.historyEntries);
  if (surplus.length === 0) return { done: campaign };
  const first = campaign.archived ?? 0;
  for (const [i, entry] of surplus.entries()) {
    const key = entryKey(campaign.id, first + i);
    const saved = await save<'command'>(store, key, { v: 1, entry }, undefined);
    if (saved.status === 'applied') continue;
    // Put there by somebody who got no further. It is the same: what has a number never changes.
    if (saved.status === 'conflict' && (await load(store, 'command', key))) continue;
    return saved;
  }
  const history = campaign.history.slice(surplus.length);
  return { done: { ...campaign, history, archived: first + surplus.length } };
}

/** Entries `from <= number < until`, in order. The campaign is one that was read before: what it has archived is there. */
export async function entriesOf(store: Store, campaign: Trail, from: number, until: number): Promise<Numbered[]> {
  const { id, history, archived = 0 } = campaign;
  const stored = range(from, Math.min(until, archived));
  const found = await loadMany(
    store,
    'command',
    stored.map((number) => entryKey(id, number)),
  );
  const old = found.map((each, i): Numbered => {
    if (each) return { number: stored[i]!, ...each.value.entry };
    throw new HandoverError('content.corrupt', `Command ${stored[i]} of campaign ${id} was removed.`);
  });
  const recent = range(Math.max(from, archived), Math.min(until, archived + history.length));
  return [...old, ...recent.map((number): Numbered => ({ number, ...history[number - archived]! }))];
}

const range = (from: number, until: number): number[] =>
  Array.from({ length: Math.max(0, until - from) }, (_, i) => from + i);

/** The command that was given under this id; the newest are looked at first. */
export async function entryOf(store: Store, campaign: Trail, id: string): Promise<Numbered | undefined> {
  for (let until = commandsOf(campaign); until > 0; until -= LIMITS.pageSize) {
    const page = await entriesOf(store, campaign, Math.max(0, until - LIMITS.pageSize), until);
    const found = page.findLast((entry) => entry.id === id);
    if (found) return found;
  }
  return undefined;
}
