import type { Stage } from '../../machines/campaign.ts';
import type { AfterHook, BeforeHook, HookName } from '../define/hooks.ts';
import type { Migration } from '../define/migration.ts';
import type { CampaignDocument } from './schemas.ts';
import { bringsBack, isReached, type Targets } from './targets.ts';

/**
 * When a hook is due: what the campaign's own document says, so that nothing else is read for it. A command that has hooks
 * to wait for stands in it as `pending`, and changes nothing else: whoever moves records goes by the targets, and those are
 * the old ones until the worker that has carried the last hook out takes the command over, by one compare-and-set.
 */

/**
 * The hooks that a command waits for, by what it does to records: nothing is switched, dropped or brought back before them.
 * In the order in which records would meet them.
 */
export function hooksBefore({ hooks }: Migration, before: Targets, after: Targets): BeforeHook[] {
  const away = ['switched', 'completed'] as const;
  const found: BeforeHook[] = [];
  if (hooks.beforeReverse && bringsBack(before, after)) found.push('beforeReverse');
  if (hooks.beforeSwitch && isReached(after, before, away, ['home', 'copied'])) found.push('beforeSwitch');
  if (hooks.beforeComplete && isReached(after, before, ['completed'], ['home', 'copied', 'switched']))
    found.push('beforeComplete');
  return found;
}

/** The generation of the next command: never one that a command had which was replaced, for hooks are called under it. */
export const nextGeneration = ({ generation, pending }: CampaignDocument): number =>
  (pending?.generation ?? generation) + 1;

/** The command takes effect. */
export function takenOver(campaign: CampaignDocument): CampaignDocument {
  const { pending, settledAt: _, strip: __, after: ___, upgradeTo: ____, ...rest } = campaign;
  const { generation, stage, targets, switchGateOpen, leaveQuarantined, strip, upgradeTo } = pending!;
  const begun = { generation, sweep: 1, stage, targets, switchGateOpen, leaveQuarantined };
  return {
    ...rest,
    ...begun,
    ...(strip ? { strip: { step: 0, stripped: 0, left: 0 } } : {}),
    ...(upgradeTo ? { upgradeTo } : {}),
  };
}

const AFTER: Partial<Record<Stage, AfterHook>> = {
  copied: 'afterCopied',
  switched: 'afterSwitched',
  completed: 'afterCompleted',
  home: 'afterHome',
  cancelled: 'afterHome',
};

/** What is due when a campaign has settled: once for each command, however often it is looked over again. */
export function afterSettled(
  { stage, generation, after }: CampaignDocument,
  { hooks }: Pick<Migration, 'hooks'>,
): Pick<CampaignDocument, 'after'> {
  const hook = AFTER[stage];
  if (!hook || !hooks[hook] || after?.generation === generation) return {};
  return { after: { hook, generation, done: false } };
}

/** Whether a hook is to be called since the campaign has settled. */
export const isAfterDue = ({ after, generation }: CampaignDocument): boolean =>
  after !== undefined && !after.done && after.generation === generation;

/** Whether a hook is due for the campaign as a whole. Where it is paused it waits. */
export const isHookDue = (campaign: CampaignDocument): boolean =>
  !campaign.closed && (campaign.pending !== undefined || (campaign.settledAt !== undefined && isAfterDue(campaign)));

export interface CallDue {
  readonly hook: BeforeHook | AfterHook;
  readonly idempotencyKey: string;
}

/** What a campaign for which a hook is due waits for, one after the other; some of it may be done. */
export function callsDue({ id, pending, after }: CampaignDocument): CallDue[] {
  const { generation } = (pending ?? after)!;
  const hooks = pending?.hooks ?? [after!.hook];
  return hooks.map((hook) => ({ hook, idempotencyKey: `${id}.${generation}.${hook}` }));
}

/** Those of them that this process has not: another definition may be deployed elsewhere. */
export const missingHooks = (campaign: CampaignDocument, { hooks }: Pick<Migration, 'hooks'>): HookName[] =>
  callsDue(campaign).flatMap(({ hook }) => (hooks[hook] ? [] : [hook]));

/** Every record has arrived for good: what is left is a hook, after which the campaign closes. */
export const isOver = ({ stage }: CampaignDocument): boolean => stage === 'completed' || stage === 'cancelled';
