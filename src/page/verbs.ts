import { count, many } from './format.ts';
import type { Options } from './options.ts';
import type { CampaignStatus, Charts } from './types.ts';

export type VerbId =
  | 'start'
  | 'switch'
  | 'reverse'
  | 'complete'
  | 'cancel'
  | 'pause'
  | 'resume'
  | 'pace'
  | 'retry'
  | 'skip'
  | 'resolve'
  | 'strip';

export interface Verb {
  readonly label: string;
  /** What it will do, in one sentence that stands beside the button. */
  readonly brief: string;
  readonly does: (status: CampaignStatus | undefined, options: Options) => readonly string[];
  readonly undo: (options: Options) => string;
  /** What cannot be undone. */
  readonly isFinal?: true;
  /** The campaign's id is typed once more; to start, the migration's name. */
  readonly typed?: (options: Options) => boolean;
  readonly shared?: true;
}

const those = ({ keys, code }: Options): string =>
  keys
    ? keys.length === 1
      ? keys[0]!
      : many(keys.length, 'record')
    : code
      ? `all records with ${code}`
      : 'all of them';

const some = ({ share = 100 }: Options, status: CampaignStatus | undefined): string => {
  const all = status?.records ?? 0;
  const about = all > 0 ? ` (${share >= 100 ? '' : 'about '}${count(Math.round((all * share) / 100))})` : '';
  return share >= 100 ? `every record${about}` : `${share} % of the records${about}`;
};

/** What `complete` leaves behind. */
function leaves({ leaveQuarantined }: Options, status: CampaignStatus | undefined): readonly string[] {
  const { count: all = 0, skipped = 0 } = status?.quarantined ?? {};
  const left = leaveQuarantined ? all : skipped;
  if (left === 0) return [];
  return [
    `${many(left, 'record')} that ${left === 1 ? 'is' : 'are'} quarantined ${left === 1 ? 'stays' : 'stay'} in the old home${status?.groups ? ', with the groups they are of' : ''}.`,
  ];
}

function paceDoes(status: CampaignStatus | undefined, { ceiling, ramp }: Options): readonly string[] {
  const { ceilingPerSecond: before, ramp: hasRamp = false } = status?.paceSettings ?? {};
  if (ceiling === undefined && ramp === undefined)
    return [
      `Nothing yet: ${before === undefined ? 'there is no ceiling' : `the ceiling is ${many(before, 'operation')} a second`}, and ${hasRamp ? 'the pace rises by the ramp' : 'no ramp'}.`,
    ];
  const now = ceiling ?? before ?? 'none';
  return [
    ceiling === 'none'
      ? `Takes the ceiling of ${count(before ?? 0)} operations a second away${(ramp ?? hasRamp) ? '.' : ': workers go as fast as the store lets them.'}`
      : now === 'none'
        ? 'There is no ceiling, as before.'
        : ceiling === undefined
          ? `The ceiling stays at ${many(now, 'operation')} a second.`
          : `All workers together make at most ${many(now, 'operation')} a second${before === undefined ? '' : `, instead of ${count(before)}`}.`,
    ramp === undefined
      ? hasRamp
        ? 'The ramp goes on as before.'
        : 'There is no ramp, as before.'
      : ramp
        ? 'The pace rises slowly, by the ramp, from now on.'
        : 'There is no ramp any more.',
  ];
}

export const VERBS: Readonly<Record<VerbId, Verb>> = {
  start: {
    label: 'Start',
    brief: 'Makes a copy of every record at the new home. The old home stays in charge.',
    shared: true,
    typed: ({ to }) => to === 'completed',
    does: (status, options) => [
      `Makes a copy of ${some(options, status)} at the new home, and keeps the copies fresh.`,
      options.to === undefined || options.to === 'copied'
        ? 'The old home stays in charge and is not written. Reads and writes of the application stay where they are.'
        : options.to === 'switched'
          ? 'Then passes each record to the new home, without a rest in between. The application must use the router by now.'
          : 'Then passes each record to the new home and deletes its old side, without a rest in between.',
    ],
    undo: ({ to }) =>
      to === 'completed'
        ? 'Not what has completed: of each record the old side is deleted as soon as it has passed.'
        : to === 'switched'
          ? 'All of it: reverse brings records home, with what was written since.'
          : 'All of it: cancel removes the copies.',
  },
  switch: {
    label: 'Switch',
    brief: 'Makes the new home the owner, for a share or for all.',
    shared: true,
    does: (status, options) => [
      `Passes ${some(options, status)} to the new home, one by one. From then on those are read and written there, by the router.`,
      ...((options.share ?? 100) < 100 ? ['The others are wanted as copies: the old home owns them.'] : []),
    ],
    undo: () =>
      'All of it, until the campaign completes: reverse brings records home, with what was written since. Where a rule has no way back, records that are modified by then cannot return, and reverse is refused.',
  },
  reverse: {
    label: 'Reverse',
    brief: 'Brings records home, with what was written since.',
    shared: true,
    does: (status, options) => [
      `Brings ${some(options, status)} back to the old home, with what was written in the new one. Their copies at the new home go.`,
      ...((options.share ?? 100) < 100 ? ['The others stay where they are wanted now.'] : []),
    ],
    undo: () => 'All of it: start makes copies again, and switch passes the records on again.',
  },
  complete: {
    label: 'Complete',
    brief: 'Deletes the old home’s side of every record. This cannot be undone.',
    isFinal: true,
    typed: () => true,
    shared: true,
    does: (status, options) => [
      `Deletes the old side of ${some(options, status)}. ${leaves(options, status).length > 0 ? 'Of these the new home alone remains.' : 'The new home alone remains.'}`,
      ...leaves(options, status),
      ...((options.share ?? 100) < 100 ? ['The others stay switched.'] : ['When all is done the campaign closes.']),
    ],
    undo: () => 'Nothing of it. What has completed does not come back by any command.',
  },
  cancel: {
    label: 'Cancel',
    brief: 'Brings every record home, removes the copies, and closes the campaign.',
    isFinal: true,
    typed: () => true,
    does: () => [
      'Brings every record back to the old home, with what was written since, and removes all copies at the new one.',
      'Then closes the campaign.',
    ],
    undo: () =>
      'While it is on its way, start turns it around. Once it has closed, it does not open again: a new campaign can be started. No record is lost either way.',
  },
  pause: {
    label: 'Pause',
    brief: 'Lets workers rest. The application goes on as before.',
    does: () => [
      'Workers finish the page under way and rest. Every record stays where it is, and is served as before.',
    ],
    undo: () => 'All of it: resume lets them go on where they were.',
  },
  resume: {
    label: 'Resume',
    brief: 'Lets workers go on where they were.',
    does: () => ['Workers go on where they were. The ramp begins anew where there is one.'],
    undo: () => 'Pause lets them rest again.',
  },
  pace: {
    label: 'Change pace',
    brief: 'Sets how many operations a second all workers together may make.',
    does: paceDoes,
    undo: () => 'All of it: the pace can be changed at any time.',
  },
  retry: {
    label: 'Retry',
    brief: 'Tries quarantined records again.',
    does: (_, options) => [
      `Has the next sweep try again: ${options.keys || options.code ? those(options) : 'all that are not skipped'}. Those that still cannot be moved are quarantined again.`,
    ],
    undo: () => 'There is nothing to undo: a record moves only where it passes all checks.',
  },
  skip: {
    label: 'Skip',
    brief: 'Lets quarantined records stay in the old home.',
    does: (_, options) => [
      `Nothing is moved or changed now: ${those(options)} stay listed here, and are served where they are.`,
      `Complete leaves them in the old home and does not wait for them.${options.code ? ` So it does with those that are quarantined with ${options.code} later.` : ''}`,
    ],
    undo: () => 'All of it, until the campaign completes: retry of the same takes it back.',
  },
  resolve: {
    label: 'Resolve',
    brief: 'Chooses which of two entities is the record.',
    isFinal: true,
    does: (_, options) => [
      `For ${those(options)}: the entity at the ${options.keep} home is the record from now on, and is tried again.`,
      `What the ${options.keep === 'old' ? 'new' : 'old'} home holds is given up. It is kept under the campaign, and no longer served.`,
    ],
    undo: () => 'Not by a command. What is given up is kept under the campaign, and can be put back by hand.',
  },
  strip: {
    label: 'Strip',
    brief: 'Takes handover’s own state off the records of a campaign that is over.',
    isFinal: true,
    does: () => ['Takes handover’s own property off every entity. The content of the records stays as it is.'],
    undo: () => 'Nothing of it, and nothing of your records is lost. The journals of the records go.',
  },
};

/** Why a command would be refused as things are; undefined: it can be given. The server decides in the end. */
export function refusal(id: VerbId, status: CampaignStatus, charts: Charts): string | undefined {
  const { stage, closed, run, blocked, switchGateOpen, settled } = status;
  if (id === 'strip') return closed ? undefined : 'Only once the campaign is over.';
  if (closed) return `The campaign is over: it is ${stage}.`;
  if (id === 'pause') return run === 'paused' ? 'It is paused.' : undefined;
  if (id === 'resume') return run === 'paused' ? undefined : 'It is not paused.';
  if (blocked) return blocked.detail;
  if (id === 'pace') return undefined;
  if (id === 'retry' || id === 'skip' || id === 'resolve')
    return status.quarantined.count > 0 ? undefined : 'Nothing is quarantined.';
  if (!charts['stage']?.transitions.some(({ from, event }) => from === stage && event === id))
    return `${REFUSED[id] ?? 'Not possible'}: it is ${stage}.`;
  if (id === 'switch' && !switchGateOpen)
    return `The gate is closed until a copy was complete and clean once${settled ? '' : ': records are still on their way'}.`;
  // As the server says it: a campaign at rest that is looked over again is settled. What is quarantined the dialog asks of.
  if (id === 'complete' && !settled) return 'Not yet: records are still on their way.';
  return undefined;
}

const REFUSED: Partial<Record<VerbId, string>> = {
  start: 'Not from here',
  switch: 'Only once everything is copied',
  reverse: 'Nothing to bring home from here',
  complete: 'Only once every record has switched',
  cancel: 'Not from here',
};

/** What the button that does it says. */
export function sure(id: VerbId, status: CampaignStatus | undefined, options: Options): string {
  const { label, shared } = VERBS[id];
  const { share = 100 } = options;
  if (id === 'pace') return 'Set this pace';
  if (id === 'retry' || id === 'skip') return `${label} ${those(options)}`;
  if (id === 'resolve') return `Keep the ${options.keep} one`;
  if (!shared) return `${label} ${status?.campaign ?? ''}`;
  return share >= 100 ? `${label} all` : `${label} ${share} %`;
}
