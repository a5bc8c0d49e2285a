import type { Stage } from '../../machines/campaign.ts';
import type { Target } from '../../machines/moves.ts';
import type { RecordState } from '../../machines/record.ts';
import { matches } from '../define/entity.ts';
import { versionUnder } from '../engine/campaigns.ts';
import { decode, isControl, KINDS } from '../engine/documents.ts';
import { type Held, hold, roleOf, stateOf } from '../engine/pair.ts';
import { AUTHORITY } from '../record/authority.ts';
import type { Key } from '../record/key.ts';
import { MemoryData } from '../store/memoryData.ts';
import { partIn, unpack } from '../store/parts/box.ts';
import type { Entity, Mutation, Version } from '../store/store.ts';
import type { SimulatedReferrer, Subject } from './subject.ts';
import { isAsSaid, isMove, isRewrite, journalsWrong, moveBetween } from './watchedMoves.ts';

/** Data that tells of each write that was applied. */
class WatchedData extends MemoryData {
  readonly #onWrite: (key: Key) => void;

  constructor(onWrite: (key: Key) => void) {
    super();
    this.#onWrite = onWrite;
  }

  override apply(mutation: Mutation): Version {
    const version = super.apply(mutation);
    this.#onWrite(mutation.key);
    return version;
  }
}

/** Something that must never be: by the number of the invariant in docs/PROTOCOL.md that it breaks. */
export class Violation extends Error {
  override readonly name = 'Violation';
  readonly invariant: string;

  constructor(invariant: string, what: string) {
    super(`${invariant}: ${what}`);
    this.invariant = invariant;
  }
}

export interface Writer {
  readonly name: string;
  /** A worker only moves; an application writes, and may move. */
  readonly role: 'worker' | 'application' | 'operator';
}

/** A command, and whether sides are dropped under it. */
interface Under {
  readonly command: string;
  readonly drops: boolean;
}

interface Watched {
  readonly subject: Subject;
  S: Held | undefined;
  T: Held | undefined;
  value: string | undefined;
  /** A campaign has closed over it as it stands: nothing but owners is to be written any more. */
  isOver: boolean;
}

/** Where a record may rest, by where it is wanted; besides, an announced insert rests until it is old enough. */
export const REST: Readonly<Record<Target, readonly RecordState[]>> = {
  home: ['atHome', 'absent'],
  copied: ['copied', 'absent'],
  switched: ['switched', 'reversible', 'reversibleStale', 'completed', 'absent'],
  completed: ['completed', 'absent'],
};

export interface WatchOptions {
  readonly subjects: readonly Subject[];
  readonly referrers?: readonly SimulatedReferrer[];
  readonly tell: (line: string) => void;
  /** Told of each document of the engine that was written; undefined: deleted. */
  readonly onControl?: (document: Entity | undefined) => void;
}

/**
 * Looks at every record after every call that wrote to it, and throws `Violation`:
 * - P1: never two owners, nor any other pair that no sequence of moves leads to
 * - P2: what a worker writes changes no truth
 * - P6: as long as nothing is wanted beyond the copy, no worker writes to an old home that holds the truth
 * - P7: no worker writes once the campaign has closed, and no client leaves more behind than an owner; and nothing is
 *   away from home when another version takes over that way
 * - the journal: what it says that a worker did is what was done, and a move that the record machine has
 */
export class Watch {
  readonly #options: WatchOptions;
  readonly #data: MemoryData;
  readonly #byKey = new Map<string, Watched>();
  /** By the key of what records are kept inside of. */
  readonly #inside = new Map<string, Set<Watched>>();
  readonly #touched = new Set<Watched>();
  /** Records were wanted beyond the copy once. */
  #leftHome = false;
  /** Where a run has closed just now. */
  #closing: 'completed' | 'home' | undefined;
  /** Another version has just taken over from one that new homes belonged to. */
  #adopts = false;
  #stage: Stage | undefined;
  /** What shadows must say that they were made under. */
  #version: number | undefined;
  /** Whether each run of the migration has closed. */
  readonly #runs = new Map<string, boolean>();
  /** Under which command each entity was written last by the application, by its key as text. */
  readonly #written = new Map<string, Under>();
  /** Records that were deleted once: nothing leads from the keys that one had to the record that came after it. */
  readonly deleted = new Set<Subject>();
  #under: Under = { command: '', drops: false };
  readonly #referrers: ReadonlySet<string>;
  readonly #referring = new Set<string>();
  /** How often each move was made from each state. */
  readonly moves = new Map<string, number>();

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#referrers = new Set(options.referrers?.map(({ key }) => key.toString()));
    this.#data = new WatchedData((key) => {
      const watched = this.#byKey.get(key.toString());
      if (this.#referrers.has(key.toString())) this.#referring.add(key.toString());
      else if (watched) this.#touched.add(watched);
      else if (this.#inside.has(key.toString()))
        for (const each of this.#inside.get(key.toString())!) this.#touched.add(each);
      else if (matches([KINDS.campaign], key)) this.#lookAtCampaign(key);
      if (isControl(key.path.at(-1)!.kind)) options.onControl?.(this.#data.get(key));
    });
    for (const subject of options.subjects) {
      const watched = { subject, S: undefined, T: undefined, value: undefined, isOver: false };
      for (const key of [subject.keys.S, subject.keys.T]) {
        this.#byKey.set(key.toString(), watched);
        if (!partKindOf(subject, key)) continue;
        const container = key.parent!.toString();
        this.#inside.set(container, (this.#inside.get(container) ?? new Set()).add(watched));
      }
    }
  }

  get data(): MemoryData {
    return this.#data;
  }

  /** Takes what is there as given. */
  begin(): void {
    for (const watched of new Set(this.#byKey.values())) Object.assign(watched, this.#look(watched));
    this.#touched.clear();
  }

  /** What was written since the last check was written by this one, in one call. Whether a worker moved something. */
  check(by: Writer | undefined): boolean {
    if (this.#closing) this.#checkClosed();
    if (this.#adopts) this.#checkAdopted();
    for (const name of this.#referring) this.#checkReferrer(name, by!);
    this.#referring.clear();
    if (this.#touched.size === 0) return false;
    for (const watched of this.#touched) this.#checkOne(watched, by!);
    this.#touched.clear();
    return by!.role === 'worker';
  }

  /** The same after any number of moves of a worker: only what they come to. */
  checkMoves(by: string): void {
    for (const watched of this.#touched) {
      const { value } = watched;
      Object.assign(watched, this.#look(watched));
      const what = `${by} moved ${watched.subject.keys.S}: it is ${this.#stateOf(watched)}`;
      if (watched.value !== value) throw new Violation('P2', `${what}, says ${watched.value}, and said ${value}`);
      this.#options.tell(what);
    }
    this.#touched.clear();
  }

  /** Each record's state just now; `isUnmoved`: no worker has ever had it in hand. */
  *states(): Generator<{ readonly subject: Subject; readonly state: RecordState; readonly isUnmoved: boolean }> {
    for (const watched of new Set(this.#byKey.values())) {
      const { subject, S, T } = watched;
      const moves = [S, T].flatMap((held) => held?.slot?.journal ?? []);
      yield { subject, state: this.#stateOf(watched), isUnmoved: moves.every(({ by }) => by === 'client') };
    }
  }

  /** Whether no run of the migration is open. */
  get isClosed(): boolean {
    return this.#runs.size > 0 && [...this.#runs.values()].every((closed) => closed);
  }

  #lookAtCampaign(key: Key): void {
    const campaign = decode('campaign', this.#data.get(key)!).value;
    const { targets, closed, stage, id, generation } = campaign;
    this.#version = versionUnder(campaign);
    this.#adopts = this.#stage === 'upgrading' && stage === 'home';
    // Under the one that takes over everything begins anew.
    if (this.#adopts) this.#leftHome = false;
    this.#stage = stage;
    const drops = targets.some(({ target }) => target === 'home' || target === 'completed');
    this.#under = { command: `${id} ${generation}`, drops };
    this.#leftHome ||= targets.some(({ target }) => target === 'switched' || target === 'completed');
    // A second run begins with what the first one has brought there.
    const isFirst = this.#runs.size === 0 || (this.#runs.size === 1 && this.#runs.has(key.toString()));
    if (closed && isFirst && !this.#runs.get(key.toString()))
      this.#closing = stage === 'completed' ? 'completed' : 'home';
    this.#runs.set(key.toString(), closed);
  }

  /** A campaign closes over records at rest: but for an insert after its old home was looked over for the last time. */
  #checkClosed(): void {
    for (const { subject, state, isUnmoved } of this.states()) {
      const watched = this.#byKey.get(subject.keys.S.toString())!;
      watched.isOver = state !== 'birth' && !isUnmoved;
      if (REST[this.#closing!].includes(state) || !watched.isOver) continue;
      throw new Violation('P7', `the campaign has closed at ${this.#closing}, and ${subject.keys.S} is ${state}`);
    }
    this.#closing = undefined;
  }

  /** No other version takes over but at home: nothing of the one before may be left elsewhere, or may land there. */
  #checkAdopted(): void {
    this.#adopts = false;
    for (const { subject, state } of this.states()) {
      if (state === 'birth' || REST.home.includes(state)) continue;
      throw new Violation('P7', `another version has taken over, and ${subject.keys.S} is ${state}`);
    }
  }

  /**
   * Whether the entity was written by the application since the last command, or while sides were dropped: what it refers to
   * by the wrong key may be gone by then, and then nothing leads from one key to the other, whatever is commanded later.
   */
  isLate(key: Key): boolean {
    const written = this.#written.get(key.toString());
    return written !== undefined && (written.drops || written.command === this.#under.command);
  }

  /** Inserted too late for the campaign: nobody but its client has it in hand. */
  isLeftOut({ keys }: Subject): boolean {
    return this.isClosed && !this.#byKey.get(keys.S.toString())!.isOver;
  }

  #checkReferrer(name: string, by: Writer): void {
    const what = `${by.name} writes ${name}`;
    this.#options.tell(what);
    if (by.role === 'application') this.#written.set(name, this.#under);
    else if (this.isClosed) throw new Violation('P7', `${what}, after the campaign has closed`);
  }

  #look({ subject, ...before }: Watched): Pick<Watched, 'S' | 'T' | 'value'> {
    const S = asBefore(before.S, hold(entityAt(this.#data, subject, subject.keys.S)));
    const T = asBefore(before.T, hold(entityAt(this.#data, subject, subject.keys.T)));
    const { truth } = AUTHORITY[`${roleOf(S)}${roleOf(T)}`];
    const isThere = (truth.kind === 'owner' && !truth.deleted) || truth.kind === 'ceded';
    const value = isThere ? subject.valueAt(truth.at, (truth.at === 'S' ? S : T)!.content) : undefined;
    return { S, T, value };
  }

  #checkOne(watched: Watched, by: Writer): void {
    const name = watched.subject.keys.S.toString();
    const before = { ...watched };
    Object.assign(watched, this.#look(watched));
    // It was written to what this one is kept inside of.
    if (this.#isPart(watched) && isUnchanged(before, watched)) return;
    const from = this.#stateOf(before);
    const to = this.#stateOf(watched);
    const move = moveBetween(before, watched);
    const changed = before.value !== watched.value;
    const what = `${by.name} ${move ?? 'writes'} ${name}: ${from} -> ${to}${changed ? `, says ${watched.value}` : ''}`;
    this.#options.tell(what);
    if (to === 'split' || to === 'corrupt') throw new Violation('P1', what);
    if (by.role === 'operator') throw new Violation('P2', `${what}, by no worker`);
    if (move !== undefined && isMove(move, from, to)) this.#count(`${from} ${move}`);
    if (by.role === 'application') {
      if (before.value !== watched.value || move === undefined) this.#noteWritten(watched.subject);
      if (before.value !== undefined && watched.value === undefined) this.deleted.add(watched.subject);
      if (this.isClosed) checkOwners(watched, before, what);
      return;
    }
    if (move === undefined && isRewrite(before, watched) && !changed) {
      if (this.isClosed) throw new Violation('P7', `${what}, after the campaign has closed`);
      return;
    }
    if (move === undefined) throw new Violation('journal', `${what}, and no journal tells of it`);
    if (!isAsSaid(move, before, watched)) throw new Violation('journal', `${what}, which is not what the move does`);
    if (changed) throw new Violation('P2', `${what}, and said ${before.value}`);
    if (this.isClosed) throw new Violation('P7', `${what}, after the campaign has closed`);
    const wroteHome = before.S?.version !== watched.S?.version && roleOf(before.S) === 'O';
    if (wroteHome && !this.#leftHome) throw new Violation('P6', `${what}, during the copy`);
    const wrong = journalsWrong(before, watched, by.name);
    if (wrong) throw new Violation('journal', `${what}, ${wrong}`);
  }

  #stateOf = ({ S, T }: Watched): RecordState => stateOf({ S, T, version: this.#version });

  #isPart = ({ subject }: Watched): boolean => subject.rule.parts !== undefined;

  #noteWritten({ keys: { S, T } }: Subject): void {
    for (const key of [S, T]) this.#written.set(key.toString(), this.#under);
  }

  #count(row: string): void {
    this.moves.set(row, (this.moves.get(row) ?? 0) + 1);
  }
}

const partKindOf = ({ rule }: Subject, key: Key) =>
  rule.parts?.find(({ of, property }) => matches([...of, property], key));

function entityAt(data: MemoryData, subject: Subject, key: Key): Entity | undefined {
  const kind = partKindOf(subject, key);
  if (!kind) return data.get(key);
  const container = data.get(key.parent!);
  return container && partIn(unpack(kind, container), key);
}

const isUnchanged = (before: Watched, now: Watched): boolean =>
  before.S?.version === now.S?.version && before.T?.version === now.T?.version;

/** A part's version may change with its siblings: what says the same was not written. */
function asBefore(before: Held | undefined, now: Held | undefined): Held | undefined {
  const isSame =
    before && now && before.content.equals(now.content) && JSON.stringify(before.slot) === JSON.stringify(now.slot);
  return isSame && before.version !== now.version && typeof now.version === 'string' ? before : now;
}

/** What is inserted once a campaign is over its client may move, and so leave more behind than an owner. */
function checkOwners(watched: Watched, before: Watched, what: string): void {
  const isInserted = before.value === undefined && watched.value !== undefined;
  if (isInserted || roleOf(watched.S) === 'B') watched.isOver = false;
  if (!watched.isOver) return;
  for (const at of ['S', 'T'] as const) {
    if (before[at]?.version === watched[at]?.version || /[-O]/.test(roleOf(watched[at]))) continue;
    throw new Violation('P7', `${what}, after the campaign has closed`);
  }
}
