/**
 * Draws the machines into docs/states.md, from the machines themselves.
 * `npm run states` writes the page; `npm run states:check` fails when it is stale.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { campaignMachine } from '../machines/campaign.ts';
import { type FieldState, fieldMachine } from '../machines/field.ts';
import { groupMachine } from '../machines/group.ts';
import { TARGETS, type Target } from '../machines/moves.ts';
import { PAIR_STATES, type RecordState, recordMachine, STALE } from '../machines/record.ts';
import { SUBSCRIPTION_STATES, subscriptionMachine } from '../machines/subscription.ts';
import { SWAP_STATES, swapMachine } from '../machines/swap.ts';
import { type Arrow, arrowsOf, regionOf, whole } from '../src/engine/charts.ts';
import { componentsOf, diagram, inWords, table, wordTable } from './states/draw.ts';
import * as words from './states/words.ts';

const PAGE = resolve(import.meta.dirname, '../docs/states.md');
const STATES = Object.keys(recordMachine.root.states) as RecordState[];

const effectsOf = ({ effects }: Arrow) => effects.map(inWords).join(', ');

// ------------------------------------------------------------ the record

const arrows = arrowsOf(recordMachine, whole(recordMachine));
const wanted = arrows.filter(({ event }) => event.startsWith('want.'));
const short = arrows.filter(({ event }) => event.startsWith('together.'));
const towards = (target: Target) => wanted.filter(({ event }) => event === `want.${target}`);
const [journey, ...aside] = componentsOf(STATES, wanted);
const within = (component: readonly string[]) => (arrow: Arrow) => component.includes(arrow.from);

/** The roles of S and T in which each state shows: `O/H`, and `O/H≠` where the shadow is of other content. */
function pairsOf(state: RecordState): string {
  const show = (of: RecordState, mark: string) =>
    Object.entries(PAIR_STATES).flatMap(([pair, each]) => (each === of ? [`${pair[0]}/${pair[1]}${mark}`] : []));
  const twin = Object.entries(STALE).find(([, stale]) => stale === state)?.[0] as RecordState | undefined;
  return (twin ? show(twin, '≠') : show(state, '')).join(', ');
}

function recordDiagram(target: Target): string {
  const shown = towards(target).filter(within(journey!));
  const moving = new Set(shown.map(({ from }) => from));
  const ends = journey!.filter((state) => !moving.has(state));
  return diagram({ arrows: shown, label: effectsOf, ends });
}

function recordTable(): string {
  const cell = (state: string, target: Target) => {
    const arrow = towards(target).find(({ from }) => from === state);
    if (!arrow) return 'rest';
    return arrow.to === state ? effectsOf(arrow) : `${effectsOf(arrow)} → ${arrow.to}`;
  };
  const row = (state: RecordState) => [pairsOf(state), state, ...TARGETS.map((target) => cell(state, target))];
  return table(['S/T', 'state', ...TARGETS], STATES.map(row));
}

const record = `## A record

A state is what the two entities say of themselves, S the one at the old home and T the one at the new: \`O\` owner, \`X\`
tombstone (an owner that says "deleted"), \`H\` shadow, \`C\` ceded, \`B\` birth, \`-\` nothing there. \`≠\` marks a shadow that
was made from other content than the truth is now. [PROTOCOL.md](PROTOCOL.md) says why the moves are these.

${table(
  ['state', 'S/T', ''],
  STATES.map((state) => [`\`${state}\``, pairsOf(state), words.RECORD_WORDS[state]]),
)}

${wordTable('move', words.MOVE_WORDS)}

${TARGETS.map((target) => `### Wanted: \`${target}\`\n\n${words.TARGET_WORDS[target]}\n\n${recordDiagram(target)}`).join('\n\n')}

### Wherever it is wanted

These come of deletes, of inserts, and of writers that went past the router. The move is the same under every target.

${diagram({
  arrows: towards('home').filter(within(aside.flat())),
  label: effectsOf,
  ends: ['absent', 'birth'],
})}

### Every pair under every target

${recordTable()}

### The short path

Where S and T fit into one atomic commit, these moves are made in place of the ones above. Those that are not listed are
the same.

${table(
  ['state', 'wanted', 'move', 'next'],
  short.map((arrow) => [arrow.from, arrow.event.replace('together.', ''), effectsOf(arrow), arrow.to]),
)}`;

// ------------------------------------------------------------ the record in place

const inPlace = arrowsOf(fieldMachine, whole(fieldMachine));
const FIELD_STATES = Object.keys(fieldMachine.root.states) as FieldState[];

function fieldTable(): string {
  const cell = (state: string, target: Target) => {
    const arrow = inPlace.find(({ from, event }) => from === state && event === `want.${target}`);
    if (!arrow) return 'rest';
    return arrow.to === state ? effectsOf(arrow) : `${effectsOf(arrow)} → ${arrow.to}`;
  };
  return table(
    ['state', ...TARGETS],
    FIELD_STATES.map((state) => [state, ...TARGETS.map((target) => cell(state, target))]),
  );
}

const fields = `## A record in place

Old properties give way to new ones in the same entity: S are the old ones, T the new. All moves that are due are one
write. What is told of a record is told by what both say now, and what the slot says that both were when somebody wrote
them together.

${wordTable('state', words.FIELD_WORDS)}

${diagram({ arrows: inPlace.filter(({ event }) => event === 'want.completed'), label: effectsOf, ends: ['completed', 'absent'] })}

${diagram({ arrows: inPlace.filter(({ event }) => event === 'want.home'), label: effectsOf, ends: ['atHome', 'absent'] })}

${fieldTable()}`;

// ------------------------------------------------------------ the campaign and the group

const run = arrowsOf(campaignMachine, regionOf(campaignMachine, 'run', { stage: 'draft' }));
const stage = arrowsOf(campaignMachine, regionOf(campaignMachine, 'stage', { run: 'running' }));
const group = arrowsOf(groupMachine, whole(groupMachine));

const subscription = arrowsOf(subscriptionMachine, whole(subscriptionMachine));
const swap = arrowsOf(swapMachine, whole(swapMachine));

const eventAndEffects = (arrow: Arrow) => (arrow.effects.length ? `${arrow.event} / ${effectsOf(arrow)}` : arrow.event);
const endsOf = (drawn: readonly Arrow[]) => {
  const left = new Set(drawn.map(({ from }) => from));
  return [...new Set(drawn.map(({ to }) => to))].filter((state) => !left.has(state));
};

function eventTable(drawn: readonly Arrow[], states: readonly string[]): string {
  const events = [...new Set(drawn.map(({ event }) => event))];
  const cell = (from: string, event: string) => drawn.find((arrow) => arrow.from === from && arrow.event === event)?.to;
  const rows = states.map((state) => [state, ...events.map((event) => cell(state, event) ?? '')]);
  return table(['', ...events], rows);
}

const campaign = `## A campaign

One run of a migration. Its stage and whether it runs are two regions that know nothing of each other. Commands of the
operator and outcomes of sweeps are its events; a command that has no arrow is refused. Whether a command's gate is open
(is the copy clean, is anything quarantined) is asked when the command is given, and is no state.

${wordTable('stage', words.STAGE_WORDS)}

${diagram({ arrows: stage, label: eventAndEffects, starts: ['draft'], ends: endsOf(stage) })}

${eventTable(stage, Object.keys(words.STAGE_WORDS))}

${wordTable('run', words.RUN_WORDS)}

${diagram({ arrows: run, label: eventAndEffects, starts: ['running'] })}

${wordTable('event', words.CAMPAIGN_EVENT_WORDS)}

${wordTable('effect', words.CAMPAIGN_EFFECT_WORDS)}`;

const groups = `## A group

One target entity group, a user's for example, under a campaign that switches by group.

${wordTable('state', words.GROUP_WORDS)}

${diagram({ arrows: group, label: eventAndEffects, starts: ['gathering'] })}

${wordTable('event', words.GROUP_EVENT_WORDS)}

${wordTable('effect', words.GROUP_EFFECT_WORDS)}`;

const wantedAt = (targets: readonly Target[]) => (arrow: Arrow) =>
  !arrow.event.startsWith('want.') || targets.some((target) => arrow.event === `want.${target}`);
const subscriptionDiagram = (drawn: readonly Arrow[], targets: readonly Target[]) => {
  const shown = drawn.filter(wantedAt(targets)).filter(({ from, to }) => from !== to);
  return diagram({ arrows: shown, label: eventAndEffects, ends: [] });
};

const subscriptions = `## A subscription

One subscription on its way from its old callback URL to a new one, at a hub that lets two stand side by side. What is
asked of the hub is stored before it is sent, and its answer is an event, however late. \`hub.refused\` and the end of all
attempts to subscribe are for a person to look at.

${wordTable('state', words.SUBSCRIPTION_WORDS)}

### Onward

${subscriptionDiagram(subscription, ['completed'])}

### And back

${subscriptionDiagram(subscription, ['home'])}

${eventTable(subscription, SUBSCRIPTION_STATES)}

### Where there is one URL

At a provider that has one URL for each app or number, a request replaces it. \`copied\` is then \`live\`: the new URL is
served, and nothing of the provider is changed.

${wordTable('state', words.SWAP_WORDS)}

${subscriptionDiagram(swap, ['completed'])}

${subscriptionDiagram(swap, ['home'])}

${eventTable(swap, SWAP_STATES)}

### Events and effects of both

${wordTable('event', words.SUBSCRIPTION_EVENT_WORDS)}

${wordTable('effect', words.SUBSCRIPTION_EFFECT_WORDS)}`;

// ------------------------------------------------------------ the page

const page = `<!-- Written by \`npm run states\` from machines/. Changes made here are lost. -->
# The state machines

Drawn from [machines/](../machines): a [record](#a-record), a [record in
place](#a-record-in-place), a [campaign](#a-campaign), a [group](#a-group) and a
[subscription](#a-subscription). The machines decide and do nothing; each arrow names what the engine is asked to do.

${record}

${fields}

${campaign}

${groups}

${subscriptions}
`;

if (!process.argv.includes('--check')) {
  writeFileSync(PAGE, page);
} else if (!existsSync(PAGE) || readFileSync(PAGE, 'utf8') !== page) {
  console.error(`${relative(process.cwd(), PAGE)} is not what the machines say. Write it anew: npm run states`);
  process.exitCode = 1;
}
