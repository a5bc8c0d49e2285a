import type { CampaignEvent, Run, Stage } from '../../machines/campaign.ts';
import type { FieldState } from '../../machines/field.ts';
import type { GroupEvent, GroupState } from '../../machines/group.ts';
import type { CampaignEffect, GroupEffect, Move, SubscriptionEffect, Target } from '../../machines/moves.ts';
import type { RecordState } from '../../machines/record.ts';
import type { SubscriptionEvent, SubscriptionState } from '../../machines/subscription.ts';
import type { SwapState } from '../../machines/swap.ts';

/** A plain sentence for everything that the machines name. A new state or move without one does not compile. */
type Words<Name extends string> = Readonly<Record<Name, string>>;

export const TARGET_WORDS: Words<Target> = {
  home: 'S is owner, and nothing is left at T.',
  copied: 'S is owner, and T is a fresh shadow of it.',
  switched: 'T is owner; what is left at S allows the way back.',
  completed: 'T is owner, and nothing is left at S.',
};

export const RECORD_WORDS: Words<RecordState> = {
  absent: 'There is no such record, at either home.',
  atHome: 'S holds the record, and T knows nothing of it.',
  copied: 'S holds the record, and T has a fresh copy.',
  copiedStale: 'S holds the record and was written to since T was copied.',
  returned: 'S holds the record again, and T still says that it gave it away.',
  handingOver: 'S gave the record away, and the copy at T equals what S froze: T may take it.',
  handingOverAlone: 'S gave the record away, and the copy at T is gone: it is made again from what S froze.',
  handingOverStale:
    'S gave the record away, and the copy at T is of older content: it is made again from what S froze.',
  switched: 'T holds the record, and S still says that it gave it away.',
  reversible: 'T holds the record, and S has a fresh copy.',
  reversibleStale: 'T holds the record and was written to since S was copied.',
  completed: 'T holds the record, and S knows nothing of it.',
  handingBack: 'T gave the record away, and the copy at S equals what T froze: S may take it.',
  handingBackAlone: 'T gave the record away, and the copy at S is gone: it is made again from what T froze.',
  handingBackStale:
    'T gave the record away, and the copy at S is of older content: it is made again from what T froze.',
  deletedHome: 'A tombstone at S, nothing at T: the tombstone goes last.',
  deletedHomePeer: 'A tombstone at S, and something left at T: that goes first.',
  deletedAway: 'A tombstone at T, nothing at S: the tombstone goes last.',
  deletedAwayPeer: 'A tombstone at T, and something left at S: that goes first.',
  orphan: 'A copy at T of a record that was deleted.',
  orphanHome: 'A copy at S of a record that was deleted.',
  orphans: 'Copies at both homes of a record that was deleted.',
  birth: 'An insert is announced at S; the client that announced it settles it.',
  birthLost: 'An insert is announced at S while T holds a record of that key: the announcement goes.',
  birthLostCeded: 'An insert is announced at S while T is handing the record back: the announcement goes.',
  birthLostDeleted: 'An insert is announced at S beside a tombstone at T: the announcement goes.',
  split: 'Both homes say that they hold the record: somebody wrote to one of them past the router.',
  corrupt: 'A pair of roles that no order of moves leads to.',
};

export const MOVE_WORDS: Words<Move['type']> = {
  copy: 'Insert the missing side as a shadow of the other.',
  refresh: "Make a stale shadow again from the other side's content.",
  cede: 'Give the truth away: the content freezes, and the shadow at the other side may be promoted.',
  promote: 'The shadow that equals the ceded content becomes the owner.',
  demote: 'What ceded becomes a shadow of the other side, which is owner by now.',
  drop: 'Delete a side that holds no truth.',
  pass: 'The short path: the owner moves to this side in one atomic commit of both.',
  quarantine: 'Leave the record where it is, served, and list it with the cause.',
};

export const FIELD_WORDS: Words<FieldState> = {
  absent: 'It has neither the old properties nor the new ones: nothing is to be done to it.',
  atHome: 'The old properties are the record, and there are no new ones.',
  copied: 'The old properties are the record, and the new ones say the same.',
  copiedStale: 'The old properties are the record and were written since the new ones were made.',
  switched: 'The new properties are the record, and the old ones say the same.',
  switchedStale: 'The new properties are the record and were written since the old ones were made.',
  completed: 'The new properties are the record, and there are no old ones.',
  overwritten:
    'The new properties were the record; somebody who knows only the old ones has written those since, and is right.',
  clearedHome: 'The old properties were the record, and were taken away: the copy goes, too.',
  clearedAway: 'The new properties were the record, and were taken away: the old ones go, too.',
  split: 'Both were written by such as know only one of them, and do not say the same.',
};

export const STAGE_WORDS: Words<Stage> = {
  draft: 'Planned, and nothing touched.',
  copying: 'Shadows are made at the new home. The truth stays at the old one.',
  copied: 'A whole sweep found every record copied and clean: the gate to the switch is open.',
  switching: 'Records pass to the new home. With a share below 100 %, the campaign rests here.',
  switched: 'Every record has passed. The way back is open.',
  completing: 'What is left at the old home is deleted.',
  completed: 'Nothing is left at the old home. The campaign is over.',
  reversing: 'Records, or a share of them, go back to the old home, with what was written to them since.',
  home: 'Every record is at its old home, as before the start.',
  upgrading: 'As reversing, after which the next version of the definition takes over.',
  cancelling: 'As reversing, and for good.',
  cancelled: 'Every record is at its old home. The campaign is over.',
};

export const RUN_WORDS: Words<Run> = {
  running: 'Workers make moves.',
  paused: 'Workers make none. The application goes on, through the router, whatever state each record is in.',
};

export const CAMPAIGN_EVENT_WORDS: Words<CampaignEvent['type']> = {
  start: 'The operator wants the records copied.',
  'start.switched': 'The operator wants them copied and switched without a stop between.',
  'start.completed': 'The operator wants the whole journey without a stop.',
  switch: 'The operator wants the records, or a share of them, in the new home.',
  complete: 'The operator wants nothing left at the old home.',
  reverse: 'The operator wants the records back at the old home.',
  upgrade:
    'The operator wants the records to go by a newer version, and some were wanted at the new home by the one before.',
  cancel: 'The operator wants the records back at the old home, and the campaign over.',
  pause: 'The operator wants no moves for now.',
  resume: 'The operator wants them to go on.',
  'budget.exceeded': 'More records are quarantined than the migration allows.',
  'invariant.broken': 'A total that must hold was taken when every record rested, and did not hold.',
  'hook.failed': 'A hook of the migration has failed as often as it is called.',
  'sweep.settled': 'Every record that a sweep saw rests at one and the same target.',
  'sweep.settledPartlySwitched': 'Every record rests at its target; a share is switched.',
  'sweep.settledPartlyCopied': 'Every record rests at its target; a share is copied.',
};

export const CAMPAIGN_EFFECT_WORDS: Words<CampaignEffect['type']> = {
  aim: 'Send the records, or the share of them that the command names, towards this target, with a new sweep.',
  openSwitchGate: 'The copy was seen complete and clean: `switch` is allowed from now on.',
  adopt: 'The campaign goes on under the newer version, as it would from a start.',
  close: 'Nothing more is done under this campaign.',
};

export const GROUP_WORDS: Words<GroupState> = {
  gathering: 'Some record is not copied and clean yet: none may switch, and no old URL is given up.',
  moving: 'All records are copied and clean, or further: they may switch.',
  joined:
    'Every record is in the new home: the application may treat them as one transaction. A subscription is on its way.',
  whole: 'Every record is in the new home, and every subscription at its target.',
};

export const GROUP_EVENT_WORDS: Words<GroupEvent['type']> = {
  'members.behind': 'A sweep saw a record that is not copied and clean, is quarantined, or is wanted at home.',
  'members.ready': 'A sweep saw every record copied and clean, or further.',
  'records.arrived': 'A sweep saw every record at rest at its target in the new home, and a subscription that is not.',
  'members.arrived':
    'A sweep saw every record at rest at its target in the new home, and every subscription at its own.',
};

export const GROUP_EFFECT_WORDS: Words<GroupEffect['type']> = {
  admit: 'The records may switch. Old URLs may be given up once every new one is proven.',
  declareJoined: 'The application may treat the records as one transaction.',
  declareWhole: 'The group is through.',
  withdraw: 'What was declared holds no more.',
};

export const SUBSCRIPTION_WORDS: Words<SubscriptionState> = {
  home: 'The hub posts to the old URL, as before the start.',
  subscribing: 'It is asked to post to the new URL, too; no answer yet.',
  verifying: 'It has the request, and is to ask the new URL.',
  overlapping: 'It posts to both. Whatever comes twice is taken once.',
  proven: 'It posts to both, and what came last has delivered, or its topic was quiet.',
  unsubscribing: 'It is asked to post to the old URL no more; no answer yet.',
  lapsing: 'It did not confirm that: the old subscription ends with its lease.',
  draining: 'The old URL is given up, and still answers: what was published meanwhile is taken in.',
  switched: 'It posts to the new URL. The old one still answers, and the way back is open.',
  settled: 'The old URL answers that it is gone.',
  resubscribing: 'It is asked to post to the old URL again; no answer yet.',
  reverifying: 'It has that request, and is to ask the old URL.',
  returning: 'It posts to both again; the old URL is to prove itself before the new one goes.',
  withdrawing: 'It is asked to post to the new URL no more.',
};

export const SWAP_WORDS: Words<SwapState> = {
  home: 'The provider posts to the old URL, as before the start.',
  probing: 'The new URL is asked by ourselves, whether its receiver answers.',
  live: 'Both URLs are served. Nothing of the provider is changed yet.',
  swapping: 'It is asked to put the new URL in the place of the old one; no answer yet.',
  confirming: 'It has the request, and is to ask the new URL, or to deliver there.',
  doubtful: 'It refused, or never answered: either URL may be the one it has. Both are served.',
  draining: 'It posts to the new URL, which is to prove itself. What is repeated still comes to the old one.',
  switched:
    'The new URL has delivered. The old one answers as long as its protocol asks for, and the way back is open.',
  settled: 'The old URL answers that it is gone.',
  restoring: 'It is asked to put the old URL back; no answer yet.',
  reconfirming: 'It has that request, and is to ask the old URL, or to deliver there.',
  returning: 'It posts to the old URL again, which is to prove itself.',
};

export const SUBSCRIPTION_EVENT_WORDS: Words<SubscriptionEvent['type']> = {
  'want.home': 'It is wanted at the old URL.',
  'want.copied': 'It is wanted at both.',
  'want.switched': 'It is wanted at the new URL, the old one given up.',
  'want.completed': 'It is wanted at the new URL, the old one gone.',
  'hub.accepted': 'The hub has the request, and will ask the callback.',
  'hub.verified': 'It is carried out: the hub said so, or asked the callback, which confirmed.',
  'hub.refused': 'It is not, and further attempts are in vain.',
  'deadline.passed': 'Nothing was heard in the time that was given.',
  proved: 'The URL subscribed last has delivered, or nothing was published; what the topic says was taken in.',
  'lease.ended': 'The lease of the URL that is given up is over.',
  drained: 'What the topic says was taken in once more; of a swap, the new URL has delivered, or neither got anything.',
  'url.answered': 'A request of our own to the new URL was answered by its receiver.',
  'hub.strayed': 'The provider has the other URL, although nothing is under way: a lost request came to be.',
};

export const SUBSCRIPTION_EFFECT_WORDS: Words<SubscriptionEffect['type']> = {
  ask: 'Send the stored request to the hub; `probe`: to the callback itself.',
  retire: 'Answer at the old URL that it is gone.',
};
