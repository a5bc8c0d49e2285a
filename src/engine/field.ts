import type { FieldState } from '../../machines/field.ts';
import type { Move, Target } from '../../machines/moves.ts';
import type { FieldRule } from '../define/field.ts';
import { HandoverError } from '../errors.ts';
import { Content } from '../record/content.ts';
import type { Key } from '../record/key.ts';
import { decodeSlot, type Slot } from '../record/slot.ts';
import type { Properties, Value } from '../record/value.ts';
import type { Entity, Version } from '../store/store.ts';
import { fieldStep } from './decide.ts';

/** A record that is rewritten in place, as it was seen. */
export interface FieldHeld {
  readonly rule: FieldRule;
  readonly key: Key;
  readonly version: Version;
  /** All that the entity says, of which the rule is about a part. */
  readonly content: Content;
  /** Unset where nobody who knows of slots has written it under this rule. */
  readonly slot: Slot | undefined;
  /** The old properties, and the new ones; undefined where none of them is there. */
  readonly old: Content | undefined;
  readonly now: Content | undefined;
}

/**
 * Reads an entity by a rule. The slot of an earlier campaign, about other properties, counts as none. Throws
 * `slot.version`, `slot.corrupt`, and `slot.foreign` where another campaign has it in the middle of a move.
 */
export function holdField(rule: FieldRule, { key, version, content, slot: text }: Entity): FieldHeld {
  const slot = text === undefined ? undefined : decodeSlot(text);
  if (slot && (slot.role !== 'owner' || slot.deleted))
    throw new HandoverError('slot.foreign', `${key} is ${slot.role} under campaign ${slot.campaign}.`, {
      key: key.toString(),
      campaign: slot.campaign,
    });
  return {
    rule,
    key,
    version,
    content,
    slot: slot?.of.startsWith(`${rule.tag}/`) ? slot : undefined,
    old: partOf(content, rule.old),
    now: partOf(content, rule.new),
  };
}

/** These properties of a content; undefined where it has none of them. */
export function partOf({ properties }: Content, names: readonly string[]): Content | undefined {
  const part = new Map<string, Value>();
  for (const name of names) {
    const value = properties.get(name);
    if (value !== undefined) part.set(name, value);
  }
  return part.size === 0 ? undefined : Content.of(part);
}

/** The content of the entity with these parts in place of those that it has; all else stays as it is. */
export function withParts(
  { content, rule }: Pick<FieldHeld, 'content' | 'rule'>,
  old: Content | undefined,
  now: Content | undefined,
): Content {
  const properties: Map<string, Value> = new Map(content.properties);
  put(properties, rule.old, old);
  put(properties, rule.new, now);
  return Content.of(properties);
}

function put(into: Map<string, Value>, names: readonly string[], part: Content | undefined): void {
  const values: Properties | undefined = part?.properties;
  for (const name of names) {
    const value = values?.get(name);
    if (value === undefined) into.delete(name);
    else into.set(name, value);
  }
}

/** What a slot keeps of what both say: told from it later, who has written without it. */
export const markOf = ({ tag }: FieldRule, old: Content | undefined, now: Content | undefined): string =>
  `${tag}/${old?.fingerprint ?? ''}/${now?.fingerprint ?? ''}`;

/** Which of both is the record, whatever is on the way. */
export type Holder = 'old' | 'new' | 'neither' | 'split';

/** By state: what readers are given, and writers write. */
export const HOLDERS: Readonly<Record<FieldState, Holder>> = {
  absent: 'neither',
  atHome: 'old',
  copied: 'old',
  copiedStale: 'old',
  switched: 'new',
  switchedStale: 'new',
  completed: 'new',
  overwritten: 'old',
  clearedHome: 'neither',
  clearedAway: 'neither',
  split: 'split',
};

/**
 * How a record stands. Where both were written past everybody who keeps them together, they are one as long as one is what
 * the transform makes of the other, and a split else. What somebody has put back to what the slot says of it does not look
 * written: that is all that a mark can tell.
 */
export function fieldStateOf(held: FieldHeld): FieldState {
  const { slot, old, now } = held;
  if (!old && !now) return 'absent';
  if (!slot) {
    if (!now) return 'atHome';
    return old ? (agree(held) ? 'copiedStale' : 'split') : 'completed';
  }
  const [, oldMark, newMark] = slot.of.split('/');
  const oldWritten = (old?.fingerprint ?? '') !== oldMark;
  const newWritten = (now?.fingerprint ?? '') !== newMark;
  if (!oldWritten && !newWritten) {
    if (!now) return 'atHome';
    if (!old) return 'completed';
    return slot.side === 'S' ? 'copied' : 'switched';
  }
  return slot.side === 'S' ? atOld(held, oldWritten, newWritten) : atNew(held, oldWritten, newWritten, oldMark === '');
}

/** The old ones are the record, and somebody without a slot has written. */
function atOld(held: FieldHeld, oldWritten: boolean, newWritten: boolean): FieldState {
  const { old, now } = held;
  if (!now) return 'atHome';
  // An old instance took its properties away: the copy is of nothing. What was written there since is of nobody knows when.
  if (!old) return newWritten ? 'split' : 'clearedHome';
  return (oldWritten && !newWritten) || agree(held) ? 'copiedStale' : 'split';
}

/** The new ones are, and somebody without a slot has written. */
function atNew(held: FieldHeld, oldWritten: boolean, newWritten: boolean, isAlone: boolean): FieldState {
  const { rule, old, now } = held;
  if (!now) return oldWritten ? 'split' : 'clearedAway';
  // Taken away by an old instance, or by a new one that is done with them: nobody can tell.
  if (!old) return isAlone ? 'completed' : 'split';
  if (oldWritten && !newWritten) return 'overwritten';
  if (!oldWritten) return 'switchedStale';
  return agree(held) || (rule.reversible && isMadeOf(held)) ? 'switchedStale' : 'split';
}

/** Whether the new ones are what the transform makes of the old ones. What it cannot make, they are not. */
function agree({ rule, key, old, now }: FieldHeld): boolean {
  return tried(() => rule.forward(key, old!).equals(now!));
}

function isMadeOf({ rule, key, old, now }: FieldHeld): boolean {
  return tried(() => rule.backward(key, now!).equals(old!));
}

function tried(ask: () => boolean): boolean {
  try {
    return ask();
  } catch (error) {
    if (error instanceof HandoverError) return false;
    throw error;
  }
}

/** The one move that brings it nearer to its target, and where that leads; undefined at rest. */
export function nextFieldMove(
  { rule }: Pick<FieldHeld, 'rule'>,
  state: FieldState,
  target: Target,
): { readonly move: Move; readonly next: FieldState } | undefined {
  // No way back is kept fresh where there is none, or made; wanted at home it is asked for all the same, and refused.
  if (!rule.reversible && state === 'switchedStale' && target === 'switched') return undefined;
  if (!rule.reversible && state === 'completed' && target === 'copied') return undefined;
  const step = fieldStep(state, `want.${target}`);
  return step ? { move: step.effects[0]!, next: step.next } : undefined;
}
