import { HandoverError } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';
import type { Content } from '../../record/content.ts';
import type { Key } from '../../record/key.ts';
import { checkEntity, checkMutations, checkUnits, refuseTwice } from '../check.ts';
import type { Entity, Guard, Mutation, NotApplied, Outcome, Store, UnitOutcome, Version } from '../store.ts';
import { type Box, changed, type PartKind, packed, partIn, refusal, unpack, versionIn } from './box.ts';

const CONFLICT = { status: 'conflict' } as const;
const FENCED = { status: 'fenced' } as const;
const CONTENDED = { status: 'busy', why: 'contention', cause: 'the container kept changing' } as const;

/** What is asked for as one: all of it, or nothing. */
interface Wanted {
  readonly mutations: readonly Mutation[];
  readonly index: number;
  /** How often it was handed in, and by itself. */
  tries: number;
  /** The containers as they were when it was handed in by itself last. */
  triedOn?: string;
}

/** Some of what is wanted, as one compare-and-set of each container. */
interface Batch {
  readonly wanted: readonly Wanted[];
  readonly boxes: ReadonlyMap<string, Box>;
  readonly mutations: readonly Mutation[];
}

type Answer = { readonly status: 'applied'; readonly versions: readonly Version[] } | NotApplied;

/**
 * Mutations of parts as mutations of their containers. A part's version is checked in the container as it is read, and the
 * container is replaced as it was read: so a part is replaced only as it was held, and its siblings are what they are. A
 * container that changed although the part did not is no conflict: it is read again.
 */
export class Commits {
  readonly #store: Store;
  readonly #kindOf: (key: Key) => PartKind | undefined;

  constructor(store: Store, kindOf: (key: Key) => PartKind | undefined) {
    this.#store = store;
    this.#kindOf = kindOf;
  }

  async commit(mutations: readonly Mutation[], guard?: Guard): Promise<readonly Outcome[]> {
    if (!this.#isAbout(mutations, guard)) return this.#store.commit(mutations, guard);
    checkMutations(mutations, this.#store.capabilities);
    refuseTwice(mutations);
    const all = mutations.map((mutation) => [mutation]);
    const answers = await this.#run(all, guard, async (batches, under) => {
      // Each batch is one container, or one entity: an outcome each.
      const outcomes = await this.#store.commit(
        batches.map(({ mutations }) => mutations[0]!),
        under,
      );
      return outcomes.map((outcome) =>
        outcome.status === 'applied' ? { status: 'applied', versions: [outcome.version] } : outcome,
      );
    });
    return answers.map((answer) =>
      answer.status === 'applied' ? { status: 'applied', version: answer.versions[0]! } : answer,
    );
  }

  async commitTogether(units: readonly (readonly Mutation[])[], guard?: Guard): Promise<readonly UnitOutcome[]> {
    if (!this.#isAbout(units.flat(), guard)) return this.#store.commitTogether(units, guard);
    checkUnits(units, this.#store.capabilities);
    return this.#run(units, guard, (batches, under) =>
      this.#store.commitTogether(
        batches.map(({ mutations }) => mutations),
        under,
      ),
    );
  }

  /** Without looking, as far as that goes: the containers must be there. */
  async overwrite(
    puts: readonly { key: Key; content: Content; slot?: string }[],
    removes: readonly Key[],
  ): Promise<void> {
    const isPart = (key: Key) => this.#kindOf(key) !== undefined;
    const [parts, gone] = [puts.filter(({ key }) => isPart(key)), removes.filter(isPart)];
    await this.#store.overwrite(
      puts.filter(({ key }) => !isPart(key)),
      removes.filter((key) => !isPart(key)),
    );
    const keys = [...parts.map(({ key }) => key), ...gone];
    const boxes = await this.#boxesOf(keys);
    for (const { key, content, slot } of [
      ...parts,
      ...gone.map((key) => ({ key, content: undefined, slot: undefined })),
    ]) {
      const at = nameOf(key);
      const box = boxes.get(at);
      if (!box) throw new HandoverError('parts.missing', `${key.parent} is not there.`);
      const there = partIn(box, key);
      if (!content && !there) continue;
      const mutation: Mutation = !content
        ? { op: 'delete', key, version: there!.version }
        : there
          ? { op: 'update', key, version: there.version, content, slot }
          : { op: 'insert', key, content, slot };
      const next = changed(box, mutation);
      if ('status' in next) throw new HandoverError('parts.invalid', `${key}: ${JSON.stringify(next)}.`);
      boxes.set(at, next);
    }
    const written = [...boxes.values()].map((box) => {
      const { key, slot } = box.container;
      return { key, content: packed(box), ...(slot === undefined ? {} : { slot }) };
    });
    await this.#store.overwrite(written);
  }

  #isAbout(mutations: readonly Mutation[], guard: Guard | undefined): boolean {
    return (
      mutations.some(({ key }) => this.#kindOf(key)) || (guard !== undefined && this.#kindOf(guard.key) !== undefined)
    );
  }

  async #run(
    units: readonly (readonly Mutation[])[],
    guard: Guard | undefined,
    send: (batches: readonly Batch[], guard: Guard | undefined) => Promise<readonly Answer[]>,
  ): Promise<readonly Answer[]> {
    const answers: Answer[] = units.map(() => CONTENDED);
    let open: Wanted[] = units.map((mutations, index) => ({ mutations, index, tries: 0 }));
    // What of a call was applied cannot be fenced any more: the rest of it is to be looked at again.
    let begun = false;
    for (let round = 0; open.length > 0 && round < units.length + LIMITS.partAttempts; round++) {
      const keys = open.flatMap(({ mutations }) => mutations.map(({ key }) => key));
      const boxes = await this.#boxesOf(guard ? [...keys, guard.key] : keys);
      const under = this.#guardIn(guard, boxes);
      if (under === 'fenced') {
        for (const { index } of open) answers[index] = begun ? CONFLICT : FENCED;
        return answers;
      }
      const { batches, refused, later } = batchesOf(open, boxes, this.#kindOf, this.#store);
      for (const [{ index }, why] of refused) answers[index] = why;
      const again: Wanted[] = [...later];
      const outcomes = batches.length > 0 ? await send(batches, under) : [];
      for (const [i, batch] of batches.entries()) {
        const outcome = outcomes[i]!;
        // Which part's guard it is may stand although its container has changed.
        const isSpurious = outcome.status === 'fenced' && under !== guard;
        for (const wanted of batch.wanted) {
          if (outcome.status === 'applied') answers[wanted.index] = appliedIn(batch, wanted, outcome.versions);
          else if (outcome.status === 'fenced' && !isSpurious) answers[wanted.index] = begun ? CONFLICT : FENCED;
          else if (outcome.status !== 'conflict' && !isSpurious) answers[wanted.index] = outcome;
          else if (batch.boxes.size === 0 && !isSpurious) answers[wanted.index] = CONFLICT;
          else if (++wanted.tries <= LIMITS.partAttempts) {
            if (batch.wanted.length === 1) wanted.triedOn = versionsOf(batch.boxes);
            again.push(wanted);
          }
        }
        begun ||= outcome.status === 'applied' || outcome.status === 'unknown';
      }
      open = again;
    }
    return answers;
  }

  async #boxesOf(keys: readonly Key[]): Promise<Map<string, Box>> {
    const wanted = new Map<string, { key: Key; kind: PartKind }>();
    for (const key of keys) {
      const kind = this.#kindOf(key);
      if (kind) wanted.set(nameOf(key), { key: key.parent!, kind });
    }
    if (wanted.size === 0) return new Map();
    const found = await this.#store.read([...wanted.values()].map(({ key }) => key));
    const boxes = new Map<string, Box>();
    for (const [i, [name, { kind }]] of [...wanted].entries()) {
      const container: Entity | undefined = found[i];
      if (container) boxes.set(name, unpack(kind, container));
    }
    return boxes;
  }

  /** A guard on a part is one on its container, as long as the part is as it is to be. */
  #guardIn(guard: Guard | undefined, boxes: ReadonlyMap<string, Box>): Guard | 'fenced' | undefined {
    if (!guard || !this.#kindOf(guard.key)) return guard;
    const box = boxes.get(nameOf(guard.key));
    if (!box || partIn(box, guard.key)?.version !== guard.version) return 'fenced';
    return { key: box.container.key, version: box.container.version };
  }
}

/** Two properties of one container are two boxes, and may not be written in one call. */
const nameOf = (part: Key): string => `${part.parent} ${part.kind}`;

const versionsOf = (boxes: ReadonlyMap<string, Box>): string =>
  [...boxes].map(([name, { container }]) => `${name} ${container.version}`).join();

/**
 * What can be handed in at one time: each container once. Units that are about one container go together at first; those that
 * lost so are tried one by one, for a single one of them may be why.
 */
function batchesOf(
  open: readonly Wanted[],
  boxes: ReadonlyMap<string, Box>,
  kindOf: (key: Key) => PartKind | undefined,
  { capabilities }: Store,
) {
  const refused: [Wanted, NotApplied][] = [];
  const later: Wanted[] = [];
  const groups: { wanted: Wanted[]; boxes: Map<string, Box>; alone: boolean }[] = [];
  const taken = new Map<string, (typeof groups)[number]>();
  for (const each of open) {
    const parts = each.mutations.filter(({ key }) => kindOf(key));
    const names = [...new Set(parts.map(({ key }) => nameOf(key)))];
    const containers = [...new Set(parts.map(({ key }) => key.parent!.toString()))];
    const groupsHere = new Set(containers.flatMap((name) => taken.get(name) ?? []));
    const [group] = groupsHere;
    const alone = each.tries > 0 && parts.length < each.mutations.length;
    const joins = group && !alone && !group.alone && groupsHere.size === 1 && sameNames(group.boxes, names);
    if (group && !joins) {
      later.push(each);
      continue;
    }
    const next = new Map<string, Box>(joins ? group.boxes : []);
    const why = fold(parts, boxes, next, capabilities);
    if (why) {
      refused.push([each, why]);
      continue;
    }
    // Its containers are what they were when it lost: so it is something else that it lost by.
    if (each.triedOn !== undefined && parts.length < each.mutations.length && each.triedOn === versionsOf(next)) {
      refused.push([each, CONFLICT]);
      continue;
    }
    if (joins) {
      group.wanted.push(each);
      group.boxes = next;
      continue;
    }
    const made = { wanted: [each], boxes: next, alone };
    groups.push(made);
    for (const name of containers) taken.set(name, made);
  }
  const batches = groups.map(({ wanted, boxes: changedBoxes }): Batch => {
    const plain = wanted.flatMap(({ mutations }) => mutations.filter(({ key }) => !kindOf(key)));
    return { wanted, boxes: changedBoxes, mutations: [...[...changedBoxes.values()].map(replacing), ...plain] };
  });
  return { batches, refused, later };
}

const sameNames = (boxes: ReadonlyMap<string, Box>, names: readonly string[]): boolean =>
  boxes.size === names.length && names.every((name) => boxes.has(name));

/** Makes the changes in `next`; or says why not. */
function fold(
  parts: readonly Mutation[],
  boxes: ReadonlyMap<string, Box>,
  next: Map<string, Box>,
  capabilities: Store['capabilities'],
): NotApplied | undefined {
  for (const mutation of parts) {
    const name = nameOf(mutation.key);
    const box = next.get(name) ?? boxes.get(name);
    if (!box && mutation.op !== 'insert') return CONFLICT;
    if (!box) return { status: 'refused', code: 'parts.missing', cause: `${mutation.key.parent} is not there` };
    const done = changed(box, mutation);
    if ('status' in done) return done;
    next.set(name, done);
    if (sizeAtMost(done) <= capabilities.maxEntityBytes) continue;
    try {
      checkEntity(box.container.key, packed(done), box.container.slot, capabilities);
    } catch (error) {
      if (error instanceof HandoverError) return refusal(error);
      throw error;
    }
  }
  return undefined;
}

const sizeAtMost = ({ container: { key, content, slot }, grownBytes }: Box): number =>
  key.bytes.length + content.bytes.length + (slot?.length ?? 0) * 3 + grownBytes;

function replacing(box: Box): Mutation {
  const { key, version, slot } = box.container;
  return { op: 'update', key, version, content: packed(box), slot };
}

function appliedIn({ boxes, mutations }: Batch, wanted: Wanted, versions: readonly Version[]): Answer {
  const names = [...boxes.keys()];
  const plain = new Map(mutations.slice(names.length).map((mutation, i) => [mutation, versions[names.length + i]!]));
  return {
    status: 'applied',
    versions: wanted.mutations.map((mutation) => {
      const name = nameOf(mutation.key);
      const at = names.indexOf(name);
      return plain.get(mutation) ?? versionIn(boxes.get(name)!, mutation.key, versions[at]!);
    }),
  };
}
