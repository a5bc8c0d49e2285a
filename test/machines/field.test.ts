import { describe, expect, test } from 'vitest';
import { type FieldState, fieldMachine } from '../../machines/field.ts';
import { TARGETS, type Target } from '../../machines/moves.ts';
import { field } from '../../src/define/field.ts';
import { evaluate, fieldStep } from '../../src/engine/decide.ts';
import { type FieldHeld, fieldStateOf, HOLDERS, holdField, markOf, nextFieldMove } from '../../src/engine/field.ts';
import { moved as moveOf, writeOf } from '../../src/engine/fieldMoves.ts';
import { Content } from '../../src/record/content.ts';
import { key } from '../../src/record/key.ts';
import { fromPlain, toPlain } from '../../src/record/plain.ts';
import { encodeSlot } from '../../src/record/slot.ts';
import { memoryStore } from '../../src/store/memory.ts';

const { capabilities } = memoryStore();
const actor = { campaign: 'field.1', worker: 'w', now: () => 7 };
const AT = key('Tenant', 1);

const upper = ({ mail }: { mail: string }) => ({ email: mail.toUpperCase() });
const both = field({
  of: 'Tenant',
  old: ['mail'],
  new: ['email'],
  forward: upper,
  backward: ({ email }) => ({ mail: email.toLowerCase() }),
});
const oneWay = field({ of: 'Tenant', old: ['mail'], new: ['email'], forward: upper });

/** One entity: what its properties say, and its slot. */
interface Entity {
  readonly mail?: string;
  readonly email?: string;
  readonly slot?: string;
}

const nameOf = ({ mail, email, slot }: Entity) => `${mail ?? '-'} ${email ?? '-'} ${slot ? placeOf(slot) : '-'}`;
const placeOf = (slot: string) => {
  const { s, f } = JSON.parse(slot) as { s: string; f: string };
  return `${s} ${f}`;
};

const holdAs = (rule: typeof both, { slot, ...plain }: Entity): FieldHeld =>
  holdField(rule, { key: AT, version: 1, content: Content.of(fromPlain({ ...plain, other: 1 })), slot });

function moved(
  rule: typeof both,
  entity: Entity,
  target: Target,
): { readonly after: Entity; readonly type: string } | undefined {
  const held = holdAs(rule, entity);
  const step = nextFieldMove(held, fieldStateOf(held), target);
  if (!step || step.move.type === 'quarantine') return undefined;
  const { content, slot } = writeOf(held, moveOf(held, step.move, step.next, actor), capabilities);
  const { other, ...rest } = toPlain(content.properties);
  expect(other, 'all else stays').toBe(1);
  const after = { ...(rest as Entity), slot };
  expect(fieldStateOf(holdAs(rule, after)), `${nameOf(entity)} after ${step.move.type}`).toBe(step.next);
  return { after, type: step.move.type };
}

/** What the record says, in its new shape; undefined where it says nothing, `split` where nobody can tell. */
function truthOf(rule: typeof both, entity: Entity): string | undefined {
  const held = holdAs(rule, entity);
  const holder = HOLDERS[fieldStateOf(held)];
  if (holder === 'old') return entity.mail!.toUpperCase();
  if (holder === 'new') return entity.email!;
  return holder === 'split' ? 'split' : undefined;
}

type Writer = (entity: Entity) => Entity;
const without = ({ mail: _, ...rest }: Entity): Entity => rest;
const withoutNew = ({ email: _, ...rest }: Entity): Entity => rest;

/** Who may write besides the engine: instances that know the old property, or the new one, or both, and none of slots. */
const WRITERS: Readonly<Record<string, Writer>> = {
  'an old instance writes a': (entity) => ({ ...entity, mail: 'a' }),
  'an old instance writes b': (entity) => ({ ...entity, mail: 'b' }),
  'an old instance takes it away': without,
  'a mapper of old instances saves what it knows': ({ mail }) => ({ mail: mail === 'a' ? 'b' : 'a' }),
  'a new instance writes A': (entity) => ({ ...entity, email: 'A' }),
  'a new instance writes C': (entity) => ({ ...entity, email: 'C' }),
  'a new instance takes it away': withoutNew,
  'one writes both': (entity) => ({ ...entity, mail: 'c', email: 'C' }),
};

/** Every entity that any order of writers, moves and targets leads to. */
function reached(rule: typeof both): Map<string, Entity> {
  const first: Entity = { mail: 'a' };
  const seen = new Map([[nameOf(first), first]]);
  const open = [first];
  for (let entity = open.pop(); entity; entity = open.pop()) {
    const next = Object.values(WRITERS).map((write) => write(entity));
    for (const target of TARGETS) {
      try {
        const step = moved(rule, entity, target);
        if (step) next.push(step.after);
      } catch (error) {
        expect((error as { code?: string }).code).toBe('reverse.missing');
      }
    }
    for (const each of next) {
      if (seen.has(nameOf(each))) continue;
      seen.set(nameOf(each), each);
      open.push(each);
    }
  }
  return seen;
}

test('the remembered decision is what the machine says, and each is one move', () => {
  for (const state of Object.keys(fieldMachine.root.states) as FieldState[]) {
    for (const target of TARGETS) {
      const said = evaluate(fieldMachine, state, `want.${target}`);
      expect(fieldStep(state, `want.${target}`)).toEqual(said);
      if (said) expect(said.effects).toHaveLength(1);
    }
  }
});

describe.each([
  ['that can go back', both, 4],
  ['without a way back', oneWay, 3],
] as const)('of every entity %s that writers and moves lead to', (_, rule, most) => {
  const entities = reached(rule);

  test('there are many, in every state', () => {
    const states = new Set([...entities.values()].map((entity) => fieldStateOf(holdAs(rule, entity))));
    expect(entities.size).toBeGreaterThan(100);
    expect([...states].sort()).toEqual(Object.keys(HOLDERS).sort());
  });

  test('no move changes what the record says (P2), and it rests after few (P4)', () => {
    for (const entity of entities.values()) {
      for (const target of TARGETS) {
        const before = truthOf(rule, entity);
        let now: Entity = entity;
        let moves = 0;
        try {
          for (let step = moved(rule, now, target); step; step = moved(rule, now, target)) {
            now = step.after;
            expect(truthOf(rule, now), `${nameOf(entity)} to ${target}, after ${step.type}`).toBe(before);
            expect(++moves).toBeLessThanOrEqual(most);
          }
        } catch (error) {
          expect((error as { code?: string }).code, nameOf(now)).toBe('reverse.missing');
          expect([rule, target === 'home' || target === 'copied']).toEqual([oneWay, true]);
          continue;
        }
        const state = fieldStateOf(holdAs(rule, now));
        if (state === 'split' || state === 'absent') continue;
        expect(RESTS[target], `${nameOf(entity)} to ${target}`).toContain(state);
      }
    }
  });

  test('what an instance writes is what the record says then, or nobody chooses', () => {
    for (const entity of entities.values()) {
      if (truthOf(rule, entity) === 'split') continue;
      for (const [name, write] of Object.entries(WRITERS)) {
        const after = write(entity);
        const written = after.mail !== entity.mail ? after.mail?.toUpperCase() : after.email;
        if (after.mail === entity.mail && after.email === entity.email) continue;
        const truth = truthOf(rule, after);
        const state = fieldStateOf(holdAs(rule, entity));
        // Before the switch, taking the copy away says nothing: the old property is still read.
        if (name === 'a new instance takes it away' && HOLDERS[state] !== 'new') continue;
        // Without a slot nobody knows that the other one was made of it.
        if (name === 'an old instance takes it away' && !entity.slot) continue;
        // Put back to what the slot says of it, it does not look written.
        if (marked(after).some((is, i) => is && !marked(entity)[i])) continue;
        // A mapper that knows nothing of the new property has dropped it, and what it says holds.
        expect(['split', written], `${nameOf(entity)} (${state}), then ${name}`).toContain(truth);
      }
    }
  });
});

/** Of both properties, whether each is what the slot says of it. */
function marked({ slot, ...plain }: Entity): readonly boolean[] {
  const { old, now } = holdAs(both, plain);
  const marks = slot ? (JSON.parse(slot) as { f: string }).f.split('/').slice(1) : [];
  return [old, now].map((part, i) => (part?.fingerprint ?? '') === marks[i]);
}

const RESTS: Readonly<Record<Target, readonly FieldState[]>> = {
  home: ['atHome'],
  // Without a way back, what is ahead stays there.
  copied: ['copied', 'completed'],
  switched: ['switched', 'switchedStale', 'completed'],
  completed: ['completed'],
};

test('the slot of an earlier campaign, about other properties, counts as none', () => {
  const other = field({ of: 'Tenant', rename: { tel: 'phone' } });
  const slot = encodeSlot({
    role: 'owner',
    side: 'T',
    of: markOf(other, undefined, undefined),
    peer: '',
    campaign: 'phones.1',
    seq: 1,
    journal: [],
  });
  expect(fieldStateOf(holdAs(both, { mail: 'a', slot }))).toBe('atHome');
  expect(fieldStateOf(holdAs(both, { email: 'A', slot }))).toBe('completed');
});
