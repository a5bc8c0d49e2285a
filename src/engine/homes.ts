import type { Clock } from '../clock.ts';
import { homesOf, homeText } from '../define/homes.ts';
import type { Migration } from '../define/migration.ts';
import { HandoverError } from '../errors.ts';
import { Key } from '../record/key.ts';
import type { Store } from '../store/store.ts';
import { campaignAt } from './campaigns.ts';
import { attempts, KINDS, load, loadMany, nameOfText, save } from './documents.ts';
import type { HomeDocument } from './schemas.ts';

/**
 * Who holds a home. H1: at any time at most one open campaign past `draft` touches it.
 *
 * A claim names a campaign that was stored as a draft before, and all claims of a campaign stand before it leaves `draft`.
 * One is taken over only from a campaign that is closed, and those never reopen: the command that would have taken it out
 * of `draft` is refused by then. So nothing ever gives a claim back, and one that nobody uses any more is harmless:
 *
 * - A crash after some claims leaves a draft that holds them: the next `start` goes on with it, and `cancel` frees them.
 * - A claim whose answer was lost is looked at again; one that lands late lands on the version that was read, or not at all.
 * - Of two that claim several homes, each takes them in one order, so that the first they share decides between them.
 * - Who is refused keeps what he has: another call of the same campaign may already count on it.
 */
export async function claimHomes(
  { store, clock }: { readonly store: Store; readonly clock: Clock },
  migration: Migration,
  id: string,
): Promise<void> {
  for (const home of homesOf(migration)) {
    const key = homeKey(home);
    await attempts(clock, key, undefined, async () => {
      const claim = await load(store, 'home', key);
      if (claim?.value.campaign === id) return { done: undefined };
      if (claim) await checkHolder(store, migration, claim.value);
      const value: HomeDocument = { v: 1, home, campaign: id, at: clock.now() };
      const saved = await save<'home'>(store, key, value, claim?.version);
      return saved.status === 'applied' ? { done: undefined } : saved;
    });
  }
}

/** Looks before anything is written, so that a `start` that is refused leaves no draft behind. Throws `home.taken`. */
export async function checkHomes(store: Store, migration: Migration, id: string | undefined): Promise<void> {
  for (const claim of await loadMany(store, 'home', homesOf(migration).map(homeKey)))
    if (claim && claim.value.campaign !== id) await checkHolder(store, migration, claim.value);
}

const homeKey = (home: string): Key => Key.of([{ kind: KINDS.home, id: nameOfText(home) }]);

async function checkHolder(store: Store, { name }: Migration, { home, campaign }: HomeDocument): Promise<void> {
  const holder = await campaignAt(store, campaign);
  if (!holder || holder.closed) return;
  const { id, stage, migration } = holder;
  throw new HandoverError(
    'home.taken',
    `${name} and campaign ${id}, which is ${stage}, are both about ${homeText(home)}.`,
    { home: homeText(home), campaign: id, stage, migration },
  );
}
