import { type EntityRule, matches } from '../define/entity.ts';
import { type Referring, refers } from '../define/reference.ts';
import { type ErrorCode, HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Content } from '../record/content.ts';
import { Key } from '../record/key.ts';
import { checkEntity } from '../store/check.ts';
import type { Entity, Outcome } from '../store/store.ts';
import { BusyPause } from './busyPause.ts';
import { add, type Counts } from './counts.ts';
import { type Fence, Fenced } from './fence.ts';
import { batches, readAll } from './looks.ts';
import type { PageOptions } from './page.ts';
import { type Held, hold, roleOf } from './pair.ts';
import { entryOf, listedOf, quarantine } from './quarantine.ts';
import { keysOf, nameOf, type ReferenceContext, type Verdict, verdictsOn } from './referenceLook.ts';
import { withKeys } from './referenceValues.ts';

export type ReferenceOptions = ReferenceContext &
  Pick<PageOptions, 'clock' | 'actor' | 'ruleIndex' | 'onQuarantined' | 'pacer'> & {
    readonly referring: Referring;
    readonly fence: Pick<Fence, 'guard' | 'renew' | 'check'>;
    readonly onRewritten?: ((count: number) => void) | undefined;
  };

interface Item {
  readonly key: Key;
  entity: Entity | undefined;
  held: Held | undefined;
  doubtful?: true;
  /** `later`: what it says is not its own to say just now. */
  result?: 'right' | 'rewritten' | 'later' | { readonly code: ErrorCode; readonly message: string };
}

/**
 * Rewrites what the entities of one page say of records that have moved. Each is one compare-and-set of an owner, as a
 * client's write would be, that keeps its slot: a copy is made from its owner, and what was given away is frozen.
 */
export async function processReferences(
  entities: readonly Entity[],
  options: ReferenceOptions,
): Promise<{ readonly counts: Counts; readonly newlyQuarantined: number }> {
  const { referring, fence, store, campaign } = options;
  const found = entities.filter(({ key }) => refers(referring, key)).map((entity) => itemOf(entity));
  const sources = found.map(({ key }) => key);
  const listed = campaign.quarantines ? await listedOf(store, campaign.id, sources) : [];
  const items = found.filter((_, i) => !listed[i]);
  const counts: Counts = {};
  const pause = new BusyPause(options.clock, options.pacer);
  let open = items.filter(({ result }) => !result);
  for (let round = 0; open.length > 0 && round < LIMITS.roundsPerPage; round++) {
    const planned = await planAll(open, options, round === 0 ? counts : {});
    if (planned.length === 0) break;
    await fence.renew(pause.leftMs);
    fence.check();
    await carryOut(planned, pause, options);
    pause.after(planned.length);
    open = open.filter(({ result }) => !result);
    await lookAgain(
      open.filter(({ entity }) => !entity),
      options,
    );
    open = open.filter(({ result }) => !result);
  }
  for (const item of open) item.result ??= 'later';
  return finish(items, found.length - items.length, counts, options);
}

function itemOf(entity: Entity): Item {
  return reread({ key: entity.key, entity: undefined, held: undefined }, entity);
}

function reread(item: Item, entity: Entity | undefined): Item {
  item.entity = entity;
  try {
    item.held = hold(entity);
    if (!item.held) item.result = 'right';
    // A copy says what its owner says, and the dead say nothing.
    else if (['H', 'X'].includes(roleOf(item.held))) item.result = 'right';
  } catch (error) {
    if (!(error instanceof HandoverError)) throw error;
    // Its slot is not readable: its own campaign lists it.
    item.result = 'right';
  }
  return item;
}

async function lookAgain(items: readonly Item[], { store }: ReferenceOptions): Promise<void> {
  const found = await readAll(
    store,
    items.map(({ key }) => key),
  );
  items.forEach((item, i) => {
    reread(item, found[i]);
  });
}

interface Planned {
  readonly item: Item;
  readonly content: Content;
}

async function planAll(items: readonly Item[], options: ReferenceOptions, counts: Counts): Promise<Planned[]> {
  const { referring, migration, store } = options;
  const contents = items.map(({ held }) => held!.content);
  const keys = keysOf(contents, referring, migration.namespace);
  const verdicts = await verdictsOn(keys, options);
  const dangling = [...verdicts.values()].filter((verdict) => verdict === 'dangling').length;
  if (dangling > 0) add(counts, 'dangling', dangling);
  const planned: Planned[] = [];
  const frozen: Item[] = [];
  for (const item of items) {
    const before = item.held!.content;
    const content = corrected(before, referring, verdicts);
    if (content === before) item.result = 'right';
    else if (roleOf(item.held) !== 'O') frozen.push(item);
    else if (wouldStray(item, content, options)) item.result = 'right';
    else {
      try {
        checkEntity(item.key, content, item.entity!.slot, store.capabilities);
        planned.push({ item, content });
      } catch (error) {
        if (!(error instanceof HandoverError)) throw error;
        item.result = { code: error.code, message: error.detail };
      }
    }
  }
  await settleFrozen(frozen, options);
  return planned;
}

const corrected = (content: Content, { properties }: Referring, verdicts: ReadonlyMap<string, Verdict>): Content =>
  withKeys(
    content,
    properties.map(({ path, to }) => ({ path, to: (key) => changed(verdicts.get(nameOf(key, to))) })),
  );

const changed = (verdict: Verdict | undefined): Key | undefined =>
  typeof verdict === 'object' ? verdict.to : undefined;

/**
 * What was given away is written at the side that has it: where that is owner, by its own page; else the hand-over is
 * under way, and so is an insert that is only announced.
 */
async function settleFrozen(items: readonly Item[], { store }: ReferenceOptions): Promise<void> {
  const peers = await readAll(
    store,
    items.map(({ held }) => Key.parse(held!.slot!.peer)),
  );
  items.forEach((item, i) => {
    const given = roleOf(item.held) === 'C' && ['O', 'X'].includes(letterOf(peers[i]));
    item.result = given ? 'right' : 'later';
  });
}

function letterOf(entity: Entity | undefined): string {
  try {
    return roleOf(hold(entity));
  } catch {
    return '';
  }
}

/**
 * A record that is moved itself, and whose new key depends on what it refers to, is rewritten once it is there. What is
 * left at its old home when all records have been gone through stays there: it is wanted there, or is set aside.
 */
function wouldStray({ key, held }: Item, after: Content, { migration }: ReferenceOptions): boolean {
  const rule: EntityRule | undefined =
    held!.slot?.side === 'T' ? undefined : migration.records.find(({ from }) => matches(from, key));
  if (!rule) return false;
  try {
    const before = rule.targetOf(key, held!.content);
    return !before.equals(rule.targetOf(key, after));
  } catch {
    return true;
  }
}

async function carryOut(planned: readonly Planned[], pause: BusyPause, options: ReferenceOptions): Promise<void> {
  const { store, fence } = options;
  let rewritten = 0;
  for (const part of batches(planned, store.capabilities.maxMutations)) {
    const outcomes: readonly Outcome[] = await store.commit(
      part.map(({ item: { key, entity }, content }) => ({
        op: 'update',
        key,
        version: entity!.version,
        content,
        slot: entity!.slot,
      })),
      fence.guard,
    );
    part.forEach(({ item }, i) => {
      const outcome = outcomes[i]!;
      if (outcome.status === 'fenced') throw new Fenced();
      if (outcome.status === 'applied') {
        item.result = 'rewritten';
        rewritten++;
      } else if (outcome.status === 'refused') item.result = { code: outcome.code, message: outcome.cause };
      // Surely not applied: the same is tried again. All else is looked at again.
      else if (outcome.status === 'busy') pause.met(outcome.why);
      else {
        item.entity = undefined;
        if (outcome.status === 'unknown') item.doubtful = true;
      }
    });
  }
  if (rewritten > 0) options.onRewritten?.(rewritten);
}

async function finish(items: readonly Item[], setAside: number, counts: Counts, options: ReferenceOptions) {
  add(counts, 'referring', items.length + setAside);
  for (const { result, doubtful } of items) {
    if (result === 'rewritten') add(counts, 'rewritten');
    if (result === 'later') add(counts, 'unresolved');
    if (doubtful) add(counts, 'doubtful');
  }
  // Of no group: what it refers to moves all the same.
  const failed = items.flatMap(({ key, result }) =>
    typeof result === 'object' ? [entryOf({ source: key, ...result }, options)] : [],
  );
  const { fresh, unlisted } = await quarantine(options, options.campaign, failed);
  for (const entry of fresh) options.onQuarantined?.(entry);
  if (unlisted > 0) add(counts, 'unresolved', unlisted);
  if (setAside + failed.length > 0) add(counts, 'quarantined', setAside + failed.length);
  return { counts, newlyQuarantined: failed.length };
}
