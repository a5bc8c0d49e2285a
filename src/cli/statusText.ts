import type { CampaignStatus, Status } from '../admin/inspect.ts';
import type { Targets } from '../engine/targets.ts';
import { count, many, moment, paragraphs, percent, table } from './format.ts';
import { hookText } from './hookText.ts';
import { inboxText } from './inboxText.ts';
import { invariantsLine } from './invariantsText.ts';
import { paceText } from './paceText.ts';

export function statusText({ campaigns, unstarted, inbox }: Status, historyEntries = 5): string {
  const none = campaigns.length === 0 ? 'There is no campaign yet.' : '';
  const rest = unstarted.map(({ name, version, after }) => {
    const order = after.length === 0 ? '' : `, after ${after.join(', ')}`;
    return `${name} version ${version}${order}: never started. See what it would do: handover plan ${name}`;
  });
  return paragraphs(
    ...campaigns.map((campaign) => campaignText(campaign, historyEntries)),
    none,
    rest.join('\n'),
    inbox && inboxText(inbox),
  );
}

export function campaignText(status: CampaignStatus, historyEntries = 5): string {
  const { campaign, quarantined, groups, mismatches, subscriptions } = status;
  const pace = paceText(status);
  const hook = hookText(status);
  const rows: (readonly (string | undefined)[])[] = [
    ['wanted', targetsText(status.targets)],
    ['sweep', sweepText(status)],
    ...(pace === undefined ? [] : [['pace', pace]]),
    ['records', recordsText(status)],
    ...(subscriptions ? [['subscriptions', listText(subscriptions)]] : []),
    ...(status.topicless ? [['topics', topicsText(status.topicless)]] : []),
    ...(groups ? [['groups', listText(groups)]] : []),
    ['quarantined', quarantinedText(quarantined)],
    ...(status.stuck ?? []).map((range, i) => [i === 0 ? 'stuck' : '', stuckText(range)]),
    ...(mismatches
      ? [
          [
            'mismatches',
            `${count(mismatches.count)} in shadow reads: handover records ${status.migration} --mismatches`,
          ],
        ]
      : []),
    ...(status.invariants ? [['invariants', invariantsLine(status.invariants)]] : []),
    ...(hook === undefined ? [] : [['hook', hook]]),
    ...(status.strip ? [['stripped', stripText(status)]] : []),
    ['next', nextText(status)],
    ...historyText(status, historyEntries),
  ];
  return `${campaign}  ${headline(status)}\n${table(rows, '  ')}`;
}

const stuckText = ({ home, after, tries }: NonNullable<CampaignStatus['stuck']>[number]) =>
  `${home === 'S' ? 'an old' : 'a new'} home, ${after === undefined ? 'at its beginning' : `after ${after}`}: ${count(tries)} workers took it and got nowhere`;

const topicsText = (topicless: number) =>
  `${count(topicless)} could not be fetched, or say what was not delivered: handover show, with the record's key, says why`;

function headline({
  stage: bare,
  upgradesTo,
  run,
  settled,
  closed,
  pausedBecause,
  blocked,
  hook,
}: CampaignStatus): string {
  const stage = upgradesTo === undefined ? bare : `${bare} to version ${upgradesTo}`;
  if (blocked) return `${stage}, blocked: ${blocked.code}`;
  if (run === 'paused') return `${stage}, paused: ${pausedBecause ?? 'no reason given'}`;
  if (hook) return `${stage}, ${hook.waits ? `${hook.waits.what} waits for ${hook.hook}` : `${hook.hook} is due`}`;
  if (closed || stage === 'draft') return stage;
  return settled ? `${stage}, settled` : `${stage}, on the way`;
}

/** `switched 30 %, copied 70 %` */
export function targetsText(targets: Targets): string {
  if (targets.length === 1) return `${targets[0]!.target}, all`;
  let from = 0;
  const parts = targets.map(({ below, target }) => {
    const share = Math.round((below - from) * 100) / 100;
    from = below;
    return `${target} ${share} %`;
  });
  return parts.join(', ');
}

function sweepText({ sweep, settledAt, stage }: CampaignStatus): string {
  if (stage === 'draft') return 'none yet';
  const seen = `${count(sweep.seen)}${sweep.expected && settledAt === undefined ? ` of about ${count(sweep.expected)}` : ''} seen`;
  const unresolved = sweep.unresolved > 0 ? `, ${count(sweep.unresolved)} kept changing` : '';
  const figures = `${seen}, ${count(sweep.moved)} moved${unresolved}`;
  return `${sweep.number}${sweep.running ? `, ${percent(sweep.share)}` : ''}: ${figures}`;
}

function recordsText({ records, states, countedIn }: CampaignStatus): string {
  if (countedIn === 'nothing yet') return 'not counted yet';
  return `${count(records)}: ${listText(states)}${countedIn === 'running sweep' ? ', so far' : ''}`;
}

function quarantinedText({ count: all, skipped, byCode }: CampaignStatus['quarantined']): string {
  if (all === 0) return 'none';
  return `${count(all)}: ${listText(byCode)}${skipped === 0 ? '' : `, of these ${count(skipped)} skipped`}`;
}

const listText = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .sort(([, a], [, b]) => b - a)
    .map(([name, n]) => `${name} ${count(n)}`)
    .join(', ') || 'none';

/** The command that an operator would most likely give now. */
function nextText(status: CampaignStatus): string {
  const { stage, run, settled, migration, quarantined, blocked, switchGateOpen, strip, closed, invariants, hook } =
    status;
  const verb = (name: string) => `handover ${name} ${migration}`;
  if (blocked) return `${blocked.detail} Restore it, or start a new version.`;
  if (run === 'paused' && invariants?.state === 'broken')
    return `correct what is wrong, then ${verb('verify')} and ${verb('resume')}; or ${verb('reverse')} and ${verb('resume')}`;
  if (run === 'paused' && hook?.state === 'failed') return `correct what is wrong, then ${verb('resume')}`;
  if (run === 'paused') return `${verb('records')} --quarantined, then ${verb('retry')} and ${verb('resume')}`;
  if (strip && closed && strip.doneAt === undefined) return 'a worker takes the state off its entities: handover work';
  if (hook) return 'a worker calls the hook: handover work';
  if (stage === 'completed' || stage === 'cancelled') return `nothing: the campaign is over`;
  if (status.stuck) return `look at what stands behind that key, and at the workers' logs; then ${verb('retry')}`;
  if (!settled && stage !== 'draft') return 'a worker brings it on: handover work';
  // Nothing can be skipped where all is to come home.
  if (quarantined.count > (stage === 'upgrading' || stage === 'cancelling' ? 0 : quarantined.skipped))
    return `${verb('records')} --quarantined, then ${verb('retry')}`;
  if (stage === 'switched') return `${verb('verify')}, then ${verb('complete')}, or ${verb('reverse')}`;
  if (stage === 'copied' || (switchGateOpen && stage === 'home')) return `${verb('verify')}, then ${verb('switch')}`;
  if (stage !== 'switching') return verb('start');
  // A share that was sent straight on leaves a rest that was never copied: the gate to `switch` is closed for it.
  return `${switchGateOpen ? verb('switch') : verb('start')} for the rest, or ${verb('reverse')}`;
}

function stripText({ strip, closed }: CampaignStatus): string {
  const { stripped, left, doneAt } = strip!;
  if (!closed) return 'when the campaign has closed';
  const kept = left === 0 ? '' : `, ${count(left)} left as they are`;
  return `${many(stripped, 'entity').replace('entitys', 'entities')}${kept}${doneAt === undefined ? ', so far' : ''}`;
}

function historyText({ history }: CampaignStatus, entries: number): (readonly string[])[] {
  const shown = history.slice(-entries);
  const hidden = history.length - shown.length;
  const more = hidden > 0 ? ` (and ${many(hidden, 'entry', 'entries')} before)` : '';
  return shown.map(({ at, by, what, reason }, i) => [
    i === 0 ? 'history' : '',
    `${moment(at)}  ${what} by ${by}${reason === undefined ? '' : `: ${reason}`}${i === 0 ? more : ''}`,
  ]);
}
